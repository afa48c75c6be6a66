"""`main.py work`: mails sent by a process of its own, through its sudden end."""

from tests.e2e.conftest import World
from tests.mails import Post, post_office
from tests.processes import ServerProcess, command


class Worker(ServerProcess):
    """`main.py work` as a process."""

    program = command("work")


async def write(world: World, *names: str) -> None:
    """Write messages down, as another process does."""
    for name in names:
        await world.value(
            "INSERT INTO notifications (organization_id, id, kind, recipient, created_at)"
            f" SELECT id, gen_random_uuid(), 'PASSWORD_CHANGED', '{name}@mail.example', now()"
            " FROM organizations"
        )


async def taken(post: Post, name: str) -> list[str]:
    """The Message-IDs of the mails that were taken for somebody."""
    return [mail["message-id"] for mail in post.mails if mail["to"] == f"{name}@mail.example"]


async def test_a_killed_worker_loses_nothing_and_repeats_only_what_it_could_not_note(
    world: World,
) -> None:
    async with post_office() as post:
        settings = {"SMTP_URL": post.url, "MAIL_FROM": "mail@clinic.example"}
        post.behavior |= {"early": "hang", "late": "deaf"}
        await write(world, "early", "late", "good")
        worker = Worker({**world.environment, **settings})
        try:
            worker.launch()
            await post.until(2)
            await post.kept_waiting()
            await worker.until(lambda: sent(world, 1))
            worker.kill()
            # Two minutes later, with another worker and a mail server that behaves.
            post.behavior.clear()
            await world.value("UPDATE notifications SET scheduled_at = now()")
            worker.launch()
            await worker.until(lambda: sent(world, 3))
            assert await worker.stop() == 0
        finally:
            worker.close()
        ids = {name: await taken(post, name) for name in ("early", "late", "good")}
    assert [len(found) for found in ids.values()] == [1, 2, 1]
    assert len(set(ids["late"])) == 1


async def sent(world: World, count: int) -> bool:
    """Whether so many messages were sent."""
    return await world.value("SELECT count(*) FROM notifications WHERE status = 'SENT'") == count
