"""Jobs and answers in one process: beside each other, but what was lost with a worker before by itself."""

from __future__ import annotations

import threading

from tests.support.servers import wait_until
from workers.tasks.answering import Room


def inside(room: Room, let_go: threading.Event, *, alone: bool) -> tuple[threading.Thread, threading.Event]:
    entered = threading.Event()

    def stay() -> None:
        with room.entered(alone=alone):
            entered.set()
            let_go.wait(30)

    thread = threading.Thread(target=stay)
    thread.start()
    return thread, entered


def test_many_are_inside_at_once() -> None:
    room, let_go = Room(), threading.Event()
    threads = [inside(room, let_go, alone=False) for _ in range(3)]
    assert all(entered.wait(30) for _, entered in threads)
    let_go.set()
    for thread, _ in threads:
        thread.join()


def test_who_wants_to_be_alone_is() -> None:
    room, first_goes, second_goes, third_goes = Room(), threading.Event(), threading.Event(), threading.Event()
    first, first_in = inside(room, first_goes, alone=False)
    assert first_in.wait(30)
    second, second_in = inside(room, second_goes, alone=True)
    wait_until(lambda: room._waiting == 1)
    third, third_in = inside(room, third_goes, alone=False)
    assert not second_in.wait(0.2)
    first_goes.set()
    assert second_in.wait(30)
    assert not third_in.wait(0.2)  # it came later, and waits its turn
    second_goes.set()
    assert third_in.wait(30)
    third_goes.set()
    for thread in (first, second, third):
        thread.join()
