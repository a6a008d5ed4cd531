"""Ready-made compositions of the catalogue."""

from search_spaces.algebra import combine
from search_spaces.normalization import norm
from search_spaces.optimizers import optimizer
from search_spaces.regularizers import dropout
from search_spaces.schedules import cosine_with_warmup
from search_spaces.space import Group


def quick() -> Group:
    """Combine what everyone tunes: optimizer, learning rate, weight decay, dropout, BatchNorm's placement."""
    return combine(optimizer(), norm(), dropout(), cosine_with_warmup())
