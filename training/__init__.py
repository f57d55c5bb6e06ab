"""From recorded play to a policy: the objective, the optimiser, the data and the trainer.

    training.data         recordings in, samples out: frames, chunks of actions, weights
    training.objective    flow matching over the network of ``policy.network``
    training.optimise     AdamW, its schedule, the moving average of the weights
    training.trainer      one configuration, one run that can be stopped and gone on with

Importing this package loads nothing; torch is imported by what computes.
"""
