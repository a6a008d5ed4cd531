"""Modules as research writes them: several optimizers, episodes, streams, tokens."""

from tests.tuner.preparation.drafting.shape import Shape

GAN = Shape(
    """
class Own(LightningModule):
    def __init__(self, latent_dim: int = 3, g_lr: float = 0.01, d_lr: float = 0.02, b1=0.5, **kwargs):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.generator, self.discriminator = nn.Linear(latent_dim, 2), nn.Linear(2, 1)

    def training_step(self, batch, batch_idx):
        g_opt, d_opt = self.optimizers()
        fake = self.generator(torch.zeros(len(batch), self.hparams.latent_dim))
        d_loss = self.discriminator(batch).square().mean() + self.discriminator(fake.detach()).mean() ** 2
        d_opt.zero_grad()
        self.manual_backward(d_loss)
        d_opt.step()
        g_loss = self.discriminator(self.generator(torch.ones(4, self.hparams.latent_dim))).square().mean()
        g_opt.zero_grad()
        self.manual_backward(g_loss)
        g_opt.step()
        self.log_dict({{"g_loss": g_loss, "d_loss": d_loss}}, prog_bar=True, on_step=False, on_epoch=True)

    def configure_optimizers(self):
        return [torch.optim.Adam(self.generator.parameters(), lr=self.hparams.g_lr),
                torch.optim.Adam(self.discriminator.parameters(), lr=self.hparams.d_lr)], []

class TrainData(LightningDataModule):
    def train_dataloader(self):
        return batches()
""",
    asked="--model {module}.Own --data {module}.TrainData",
    sections={"model": {"class_path": "{module}.Own"}, "data": {"class_path": "{module}.TrainData"}},
    metric="g_loss",
    searched=("model.init_args.g_lr", "model.init_args.d_lr"),
)

REINFORCEMENT = Shape(
    """
class Steps(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(torch.linspace(0, 1, 24).reshape(12, 2))

class Own(LightningModule):
    def __init__(self, env: str = "cart", gamma: float = 0.99, lr=3e-3, batch_size: int = 4, **kwargs):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.layer = nn.Linear(2, 1)

    def training_step(self, batch, batch_idx):
        optimizer = self.optimizers()
        loss = self.layer(batch).square().mean()
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()

    def on_train_epoch_end(self):
        self.log("avg_ep_reward", -self.layer.weight.square().mean())

    def train_dataloader(self):
        return torch.utils.data.DataLoader(Steps(), batch_size=self.hparams.batch_size)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)
""",
    asked="--model {module}.Own",
    sections={"model": {"class_path": "{module}.Own"}},
    metric="avg_ep_reward",
    searched=("model.init_args.lr", "model.init_args.batch_size"),
)

ITERABLE = Shape(
    """
class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(torch.linspace(0, 1, 24).reshape(12, 2))

class Own(LightningModule):
    def __init__(self, lr: float = 0.1):
        super().__init__()
        self.lr, self.layer = lr, nn.Linear(2, 1)

    def training_step(self, batch, batch_idx):
        return self.layer(batch).square().mean()

    def validation_step(self, batch, batch_idx):
        self.log("valid/rmse", self.layer(batch).square().mean().sqrt())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)

class StreamData(LightningDataModule):
    def train_dataloader(self):
        return torch.utils.data.DataLoader(Stream(), batch_size=4)

    val_dataloader = train_dataloader
""",
    asked="--model {module}.Own --data {module}.StreamData",
    sections={"model": {"class_path": "{module}.Own"}, "data": {"class_path": "{module}.StreamData"}},
    metric="valid/rmse",
    searched=("model.init_args.lr",),
)

TRANSFORMER = Shape(
    """
class Own(LightningModule):
    def __init__(self, vocab_size: int = 11, d_model: int = 8, nhead: int = 2, num_layers: int = 1,
                 dropout: float = 0.0, learning_rate: float = 1e-3, tie: bool = False):
        super().__init__()
        self.save_hyperparameters()
        self.embedding = nn.Embedding(vocab_size, d_model)
        layer = nn.TransformerEncoderLayer(d_model, nhead, 2 * d_model, dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers, enable_nested_tensor=False)
        self.head = nn.Linear(d_model, vocab_size)

    def loss(self, batch):
        seen = self.head(self.encoder(self.embedding(batch))).mean(1)
        return nn.functional.cross_entropy(seen, batch[:, 0])

    def training_step(self, batch, batch_idx):
        return self.loss(batch)

    def validation_step(self, batch, batch_idx):
        self.log("val_perplexity", self.loss(batch).exp())

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.learning_rate)

class Tokens(LightningDataModule):
    def __init__(self, batch_size: int = 4):
        super().__init__()
        self.batch_size = batch_size

    def train_dataloader(self):
        return torch.utils.data.DataLoader(torch.arange(60).reshape(12, 5) % 11, batch_size=self.batch_size)

    val_dataloader = train_dataloader
""",
    asked="--model {module}.Own --data {module}.Tokens",
    sections={"model": {"class_path": "{module}.Own"}, "data": {"class_path": "{module}.Tokens"}},
    metric="val_perplexity",
    searched=("model.init_args.d_model", "model.init_args.num_layers", "model.init_args.dropout"),
)
