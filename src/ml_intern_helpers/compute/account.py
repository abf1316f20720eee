"""The Hugging Face account: who the token belongs to, whether it may run Jobs, and which namespace could pay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ml_intern_helpers.compute.whoami import Namespace, browser_login, namespaces, role_of
from ml_intern_helpers.core import tokens
from ml_intern_helpers.core.errors import BadData, RateLimited, ToolError, UsageError
from ml_intern_helpers.core.text import clean

if TYPE_CHECKING:
    from ml_intern_helpers.web.client import Http, Response

State = Literal[
    "ok", "no_token", "unusable_token", "invalid_token", "refused", "rate_limited", "unreachable", "offline", "unexpected"
]
PATH = "/api/whoami-v2"
#: The Hub limits this look-up more tightly than any other, so a good answer is used for an hour …
GOOD_TTL_S = 3600
#: … and one that says no for a minute: whoever has just added credit or a permission asks again.
BAD_TTL_S = 60


@dataclass(frozen=True)
class Account:
    """What is known of the account.

    Attributes:
        state: `ok` when the Hub has answered for this token; every other state says why not, `detail` in a sentence.
        token_source: the variable or file the token comes from, None without one.
        token_role: `read`, `write`, `fineGrained`; None for a browser login, which has none.
        can_pay: of the user alone; see `Namespace.can_pay`.
        may_run_jobs: in any namespace; None when it cannot be told.
        namespaces: the user's and the organizations', where a job could run.
        asked_at: when the Hub was asked, ISO 8601; `cached` when that was an earlier run.
    """

    state: State
    detail: str
    token_source: str | None = None
    user: str | None = None
    token_role: str | None = None
    is_pro: bool | None = None
    can_pay: bool | None = None
    may_run_jobs: bool | None = None
    may_run_jobs_basis: str | None = None
    namespaces: list[Namespace] = field(default_factory=list)
    asked_at: str | None = None
    cached: bool = False

    @property
    def jobs_namespaces(self) -> list[str]:
        """Where Jobs may run and nothing is known against paying, the user's own first."""
        return [each.name for each in self.namespaces if each.counts] if self.state == "ok" else []

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "jobs_namespaces": self.jobs_namespaces}


def look_up(http: Callable[[], Http], stored: Callable[[], Http], *, offline: bool) -> Account:
    """Ask the Hub who the token belongs to.

    Args:
        http: the network, made only when there is a token to ask about.
        stored: the same with answers from the cache alone, whatever their age.
    """
    source = tokens.hf_token_source()
    if source is None:
        return Account("no_token", "no Hugging Face token (neither HF_TOKEN nor the file of `hf auth login`)")
    if tokens.hf_token() is None:
        return Account(
            "unusable_token", f"the token in {source} is malformed: it holds a blank, a line break or the like", source
        )
    if offline:
        return replace(_stored(stored, source), state="offline", detail="offline: the Hub was not asked, and no job can start")
    try:
        account = _asked(http(), source)
    except RateLimited as err:
        return _after_rate_limit(stored, source, err)
    except (BadData, UsageError) as err:
        return Account("unexpected", err.message, source)
    except ToolError as err:
        return Account("unreachable", err.message, source)
    return account


def _asked(http: Http, source: str) -> Account:
    account = _from(http, http.get(_hub(), PATH, ttl_s=GOOD_TTL_S), source)
    if account.cached and not account.jobs_namespaces:
        account = _from(http, http.get(_hub(), PATH, ttl_s=BAD_TTL_S), source)
    return account


def _from(http: Http, response: Response, source: str) -> Account:
    """The account an answer tells of, or the state that its refusal means."""
    if response.status == 401:
        return Account("invalid_token", f"the Hub refuses the token in {source}: expired, revoked or mistyped", source)
    if response.status == 403:
        return Account("refused", f"the Hub refuses this account: {response.message() or 'no reason given'}", source)
    data = response.raise_for_status("the account").json()
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        raise BadData("the Hub's answer about the account names no user")
    places = namespaces(data)
    if places[0].may_run_jobs is None and role_of(data) is None:
        places[0] = browser_login(http, places[0])
    return _account(data, places, response, source)


def _account(data: dict[str, Any], places: list[Namespace], response: Response, source: str) -> Account:
    verdicts = [each.may_run_jobs for each in places]
    may = True if True in verdicts else None if None in verdicts else False
    telling = next(each for each in places if each.may_run_jobs is may)
    own = places[0]
    pro = data.get("isPro") if isinstance(data.get("isPro"), bool) else None
    return Account(
        "ok",
        f"account {own.name}",
        source,
        own.name,
        role_of(data),
        pro,
        own.can_pay,
        may,
        telling.basis,
        places,
        response.date,
        response.cached,
    )


def _after_rate_limit(stored: Callable[[], Http], source: str, err: RateLimited) -> Account:
    """The Hub is there and knows the token, it just will not repeat itself: an older answer serves."""
    account = _stored(stored, source)
    if account.state != "ok":
        return Account("rate_limited", err.message, source)
    return replace(account, detail=f"{account.detail} (rate limited now; this answer is of {account.asked_at})")


def _stored(stored: Callable[[], Http], source: str) -> Account:
    """An earlier answer of whatever age, or an account of which nothing is known."""
    try:
        http = stored()
        return _from(http, http.get(_hub(), PATH), source)
    except ToolError as err:
        return Account("unreachable", clean(err.message), source)


def _hub() -> Any:
    from ml_intern_helpers.web.services import HUB

    return HUB
