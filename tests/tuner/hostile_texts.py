"""What a hostile hand writes into a database: import paths, names, and what is no definition."""

# Import paths: what runs, unpickles, deletes, downloads; by its own name, and by those who have imported it.
PATHS = (
    *("os.system", "subprocess.run", "subprocess.Popen", "builtins.eval", "builtins.exec", "runpy.run_path"),
    *("pickle.loads", "shutil.rmtree", "functools.partial", "webbrowser.open", "ctypes.CDLL", "pip.main"),
    *("importlib.import_module", "code.interact", "sitecustomize.anything", "__main__.main", "sys.exit"),
    *("canary_code.Module", "canary_package.inner.Module", "canary_package.run", "canary_code.run"),
    *("torch.load", "torch.hub.load", "torch.hub.load_state_dict_from_url", "torch.jit.load"),
    *("torch.utils.cpp_extension.subprocess.run", "torch.utils.cpp_extension.load_inline"),
    *("torch.utils.collect_env.run", "torch.serialization.load", "torch.package.PackageImporter"),
    *("torch.distributed.run.main", "torch.optim.lr_scheduler.partial", "torch.nn.modules.module.os.system"),
    *("torch.utils.data.DataLoader", "torch.nn.functional.relu", "torch.optim.sgd.torch.hub.load"),
    *("torch.distributed.nn.RemoteModule", "torch.fx.GraphModule", "torch.jit.ScriptModule"),
    *("optuna.samplers._base.importlib.import_module", "optuna.samplers.CmaEsSampler"),
    *("optuna.samplers._cmaes.CmaEsSampler", "optuna.samplers._cmaes.pickle.loads"),
    *(
        "optuna.storages.RDBStorage",
        "optuna.storages.JournalStorage",
        "optuna.artifacts.FileSystemArtifactStore",
    ),
    *("pytorch_lightning.callbacks.model_checkpoint.shutil.rmtree", "pytorch_lightning.cli.LightningCLI"),
    *("pytorch_lightning.loggers.MLFlowLogger", "pytorch_lightning.loggers.WandbLogger"),
    *("lightning.pytorch.callbacks.timer.os.system", "lightning.app.LightningApp"),
    *("pytorch_lightning.demos.boring_classes.BoringModel", "pytorch_lightning.Trainer"),
    *(
        "torchmetrics.text.BERTScore",
        "torchmetrics.multimodal.CLIPScore",
        "torchmetrics.utilities.data.np.load",
    ),
    *(
        "tuner.training.process.preload.gc.collect",
        "tuner.training.process.child.answer",
        "tuner.training.process.child.os.system",
    ),
    *(
        "tuner.cli.main",
        "tuner.workers.code.named.hashlib.new",
        "studies.database.open.open_database",
        "jsonargparse.CLI",
    ),
    *("tuner.data.table.Path", "tuner.modules.perceptron.partial", "numpy.load", "pandas.read_pickle"),
    *("joblib.load", "sklearn.datasets.fetch_openml", "torch.optim", "torch.optim.Optimizer.load_state_dict"),
    *(
        "os",
        "os.",
        ".os.system",
        "os..system",
        "os.system ",
        "\uff4f\uff53.system",
        "torch.optim.Adam.__init__",
    ),
)
DAMAGED = (
    *("", "null", "[]", "{}", "1", '"text"', "{", "[" * 50_000, '{"study": ' * 2_000, '{"study": {}}'),
    *(
        '{"study": {"name": 1}, "space": {}}',
        '{"study": {"trials": 1e999}}',
        f'{{"study": {{"trials": 1{"0" * 5000}}}}}',
    ),
)
NAMES = (
    *(
        "../canary",
        "../../canary",
        "/precious/canary",
        "..",
        ".",
        "-rf",
        "--help",
        "a/b",
        "a\\b",
        "con",
        "x" * 400,
    ),
    *(
        "a\nb",
        "a\x1b[2Jb",
        "a\rb",
        "' ; touch touched ; '",
        "$(touch touched)",
        "[bold]a[/bold]",
        "<script>",
        "é",
        " ",
    ),
)
