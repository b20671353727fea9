import pytest
from posting_house import House


@pytest.fixture(params=["sandbox", "sandbox_draft_then_post"])
def house(request, tmp_path):
    built = House(tmp_path, request.param)
    built.open_books()
    yield built
    built.engine.dispose()
