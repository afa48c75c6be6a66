"""A calendar that is played with at random, beside one in memory, simple enough to be right."""

import pytest

pytest.register_assert_rewrite("tests.play.machine")
