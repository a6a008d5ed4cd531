# Interplay: in the folder of own_module.py; the same `tuner run` goes on after a kill, and runs/own/best.yaml is the winner.
tuner init --model own_module.Own --data own_module.OwnData --output study.yaml
tuner run study.yaml --trials 20 --set space.fix.data.init_args.batch_size=32 \
    --set 'trainer.callbacks=[{class_path: lightning.pytorch.callbacks.EarlyStopping, init_args: {monitor: val_loss}}]'
