"""One way to write down what an operator does, and two to do it: over REST, and by commands."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Protocol

import httpx
from click.testing import CliRunner, Result

from overseer_payment import database
from overseer_payment.cli.payment import payment
from overseer_payment.cli.session import Opener, open_engine, require_schema
from overseer_payment.ledger.totals import wrong_sums
from overseer_payment.registry import Registry
from overseer_payment.service import Payments
from overseer_payment.settings import Settings
from tests.e2e.business import TOKEN, Business, http_to

Row = dict[str, Any]

DECIMALS = {"usd": 2, "eur": 2, "jpy": 0, "kwd": 3}
SINGULAR = {"transactions": "transaction", "subscriptions": "subscription", "disputes": "dispute"}


class Refused(Exception):
    """What was asked for was not done; says why."""


class Operator(Protocol):
    """What somebody who runs a business asks for. Ids are the provider's, amounts minor units."""

    def checkout(self, **asked: Any) -> str:
        """Open a checkout; its session's id."""

    def refund(self, payment: str, amount: int | None, currency: str, **more: str) -> Row:
        """Give money back; the refund's row."""

    def cancel(self, subscription: str, *, now: bool = False) -> Row: ...

    def resume(self, subscription: str) -> Row: ...

    def pause(self, subscription: str, *, kind: str) -> Row: ...

    def change(self, subscription: str, *, preview: bool = False, **to: Any) -> Row:
        """Change price (`new_price_id`), `quantity`, with `proration_behavior`."""

    def answer(self, dispute: str, evidence: Mapping[str, str], *, submit: bool = False) -> Row: ...

    def accept(self, dispute: str) -> Row: ...

    def one(self, plural: str, id: str) -> Row:
        """One row of a list, with what is told of it beside."""

    def all(self, plural: str) -> list[Row]:
        """Every row of a list."""

    def status(self) -> Row: ...

    def metrics(self) -> Row: ...

    def work(self) -> None:
        """Apply what arrived, and all that it leads to."""

    def wrong_totals(self) -> list[Any]:
        """The totals that differ from their rows."""


class ByRest:
    """Asks the interface of the embedded host with its token."""

    def __init__(self, business: Business) -> None:
        self._business = business

    def checkout(self, **asked: Any) -> str:
        return str(self._post("checkout", asked)["session_id"])

    def refund(self, payment: str, amount: int | None, currency: str, **more: str) -> Row:
        return self._post(f"refund/{payment}", {**({} if amount is None else {"amount": amount}), **more})

    def cancel(self, subscription: str, *, now: bool = False) -> Row:
        return self._post(f"subscriptions/{subscription}/cancel", {"at_period_end": not now})

    def resume(self, subscription: str) -> Row:
        return self._post(f"subscriptions/{subscription}/resume", None)

    def pause(self, subscription: str, *, kind: str) -> Row:
        return self._post(f"subscriptions/{subscription}/pause", {"kind": kind})

    def change(self, subscription: str, *, preview: bool = False, **to: Any) -> Row:
        return self._post(f"subscriptions/{subscription}/change-plan{'/preview' * preview}", to)

    def answer(self, dispute: str, evidence: Mapping[str, str], *, submit: bool = False) -> Row:
        return self._post(f"disputes/{dispute}/evidence", {"evidence": evidence, "submit": submit})

    def accept(self, dispute: str) -> Row:
        return self._post(f"disputes/{dispute}/accept", None)

    def one(self, plural: str, id: str) -> Row:
        return self._ask("GET", f"{plural}/{id}")

    def all(self, plural: str) -> list[Row]:
        rows: list[Row] = []
        query: Row = {"limit": 100}
        for _ in range(50):
            page = self._ask("GET", plural, params=query)
            rows += page[plural]
            if page["next_cursor"] is None:
                return rows
            query["cursor"] = page["next_cursor"]
        raise AssertionError(f"The list of {plural} has no end.")

    def status(self) -> Row:
        return self._ask("GET", "status")

    def metrics(self) -> Row:
        return self._ask("GET", "metrics-summary", params={"days": 30})

    def work(self) -> None:
        self._business.runner.run(self._business.payments.worker.drain(hurry=True))

    def wrong_totals(self) -> list[Any]:
        async def ask() -> list[Any]:
            async with database.read(self._business.app.state.host.engine) as connection:
                return await connection.run_sync(wrong_sums)

        return self._business.runner.run(ask())

    def _post(self, path: str, body: Row | None) -> Row:
        self._business.tick()
        return self._ask("POST", path, **({} if body is None else {"json": body}))

    def _ask(self, method: str, path: str, **more: Any) -> Row:
        async def ask() -> httpx.Response:
            async with self._business.client() as client:
                headers = {"Authorization": f"Bearer {TOKEN}"}
                return await client.request(method, f"/api/v1/payment/{path}", headers=headers, **more)

        answer = self._business.runner.run(ask())
        found: Row = answer.json()
        if answer.status_code == 200:
            return found
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        assert 400 <= answer.status_code < 500, answer.text
        raise Refused(found["detail"])


class ByCommands:
    """Runs `overseer payment …`, each command with a session of its own."""

    def __init__(self, business: Business) -> None:
        self._business = business

    def checkout(self, **asked: Any) -> str:
        named = {"price_id": "price", "trial_period_days": "trial-days", "customer_email": "email"}
        words = [f"--{named.get(name, name)}={value}" for name, value in asked.items()]
        return str(self._write("checkout", *words)["session_id"])

    def refund(self, payment: str, amount: int | None, currency: str, **more: str) -> Row:
        words = [] if amount is None else ["--amount", str(Decimal(amount).scaleb(-DECIMALS[currency]))]
        return self._write("refund", payment, *words, *(f"--{name}={value}" for name, value in more.items()))

    def cancel(self, subscription: str, *, now: bool = False) -> Row:
        return self._write("subscription", "cancel", subscription, *(["--now"] if now else []))

    def resume(self, subscription: str) -> Row:
        return self._write("subscription", "resume", subscription)

    def pause(self, subscription: str, *, kind: str) -> Row:
        return self._write("subscription", "pause", subscription, "--kind", kind)

    def change(self, subscription: str, *, preview: bool = False, **to: Any) -> Row:
        named = {"new_price_id": "price", "proration_behavior": "proration"}
        words = [f"--{named.get(name, name)}={value}" for name, value in to.items()]
        return self._write("subscription", "change-plan", subscription, *words, *["--preview"] * preview)

    def answer(self, dispute: str, evidence: Mapping[str, str], *, submit: bool = False) -> Row:
        words = [f"--field={name}={text}" for name, text in evidence.items()]
        return self._write("dispute", "evidence", dispute, *words, *["--submit"] * submit)

    def accept(self, dispute: str) -> Row:
        return self._write("dispute", "accept", dispute)

    def one(self, plural: str, id: str) -> Row:
        noun = SINGULAR[plural]
        return self._json(noun, *([] if noun == "transaction" else ["show"]), id)

    def all(self, plural: str) -> list[Row]:
        page = self._json(plural, "--limit", "5000")
        assert page["next_cursor"] is None
        rows: list[Row] = page[plural]
        return rows

    def status(self) -> Row:
        return self._json("status")

    def metrics(self) -> Row:
        return self._json("metrics", "--days", "30")

    def work(self) -> None:
        self._json("work", "--once")

    def wrong_totals(self) -> list[Any]:
        wrong: list[Any] = self._json("db", "rebuild-totals", "--check")["wrong"]
        return wrong

    def _write(self, *words: str) -> Row:
        self._business.tick()
        return self._json(*words)

    def _json(self, *words: str) -> Row:
        done = self._run(*words, "--json")
        if done.exit_code == 1 and done.stderr.startswith("error: "):
            raise Refused(done.stderr)
        assert (done.exit_code, done.stderr) == (0, ""), (words, done.output, done.exception)
        found: Row = json.loads(done.stdout)
        return found

    def _run(self, *words: str) -> Result:
        return CliRunner().invoke(
            payment, words, prog_name="overseer payment", obj=Opener(self._open), env=self._business.config
        )

    @asynccontextmanager
    async def _open(self, check_schema: bool) -> AsyncIterator[Payments]:
        """As the environment would have it, but for the way to the provider."""
        config = self._business.config
        async with open_engine(config["OVERSEER_DATABASE_URL"]) as engine:
            if check_schema:
                await require_schema(engine)
            registry = Registry(config, http_factory=lambda _: http_to(self._business.world))
            payments = Payments(engine, registry, Settings())
            yield payments
            await payments.aclose()
