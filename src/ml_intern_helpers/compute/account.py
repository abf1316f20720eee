"""Looks up the Hugging Face account (`/api/whoami-v2`): the token's user, whether it may run Jobs, and who could pay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ml_intern_helpers.core import tokens
from ml_intern_helpers.core.errors import BadData, RateLimited, ToolError, UsageError
from ml_intern_helpers.core.text import clean

if TYPE_CHECKING:
    from ml_intern_helpers.web.client import Http, Response

State = Literal[
    "ok", "no_token", "unusable_token", "invalid_token", "refused", "rate_limited", "unreachable", "offline", "unexpected"
]
PATH = "/api/whoami-v2"
#: The Hub limits this request more strictly than others, so a positive answer is reused for an hour …
GOOD_TTL_S = 3600
#: … and a negative one for a minute, because a user who has just added credit or a permission runs the command again.
BAD_TTL_S = 60
PERMISSION = "job.write"
#: Roles without write access to an organization, whatever the token allows.
READERS = frozenset({"read", "no_access"})


@dataclass(frozen=True)
class Account:
    """The account.

    Attributes:
        state: `ok` if the Hub has accepted this token, else the reason; `detail` explains it in a sentence.
        token_source: the variable or file the token comes from, None without one.
        token_role: `read`, `write`, `fineGrained`; None for a browser login, which has none.
        can_pay: whether the user's own namespace can pay; see `Namespace.can_pay`.
        may_run_jobs: whether Jobs may run in any namespace; None if unknown.
        namespaces: the user's own and those of the organizations.
        asked_at: when the Hub was asked, ISO 8601; `cached` is true if an earlier run did.
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
        """The names of the namespaces where Jobs may run and payment is not ruled out, the user's own first."""
        return [each.name for each in self.namespaces if each.counts] if self.state == "ok" else []

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "jobs_namespaces": self.jobs_namespaces}


@dataclass(frozen=True)
class Namespace:
    """A user or organization under which a job could run.

    Attributes:
        may_run_jobs: whether the token allows it; None when unknown. `basis` says how it is known.
        can_pay: False when the Hub says so and no plan includes credit; None when the Hub does not say. The balance is
            not available: the only sure test is a job on the cheapest flavor.
        role: the user's role in the organization.
        plan: `pro`, `team`, `enterprise` …, or None.
    """

    name: str
    kind: Literal["user", "org"]
    may_run_jobs: bool | None
    basis: str
    can_pay: bool | None
    role: str | None = None
    plan: str | None = None

    @property
    def counts(self) -> bool:
        """Whether Jobs may run here and payment is not ruled out."""
        return self.may_run_jobs is True and self.can_pay is not False


def look_up(http: Callable[[], Http], stored: Callable[[], Http], *, offline: bool) -> Account:
    """Ask the Hub for the token's account.

    Args:
        http: creates the network client; called only if there is a token.
        stored: creates a client that uses only stored answers of any age.
        offline: do not ask the Hub.
    """
    source = tokens.hf_token_source()
    if source is None:
        return Account("no_token", "no Hugging Face token (neither HF_TOKEN nor the file of `hf auth login`)")
    if tokens.hf_token() is None:
        return Account(
            "unusable_token",
            f"the token in {source} is malformed: it contains a blank, a line break or another invalid character",
            source,
        )
    if offline:
        return replace(_stored(stored, source), state="offline", detail="offline: the Hub was not asked, and no job can start")
    try:
        client = http()
        account = _account(client, _whoami(client, GOOD_TTL_S), source)
        if account.cached and not account.jobs_namespaces:
            account = _account(client, _whoami(client, BAD_TTL_S), source)
    except RateLimited as err:  # use an older answer
        account = _stored(stored, source)
        if account.state != "ok":
            return Account("rate_limited", err.message, source)
        return replace(account, detail=f"{account.detail} (rate limited now; this answer is of {account.asked_at})")
    except (BadData, UsageError) as err:
        return Account("unexpected", err.message, source)
    except ToolError as err:
        return Account("unreachable", err.message, source)
    return account


def _account(http: Http, response: Response, source: str) -> Account:
    """The account in the Hub's answer, or one with the state that a refusal means."""
    if response.status == 401:
        return Account("invalid_token", f"the Hub refuses the token in {source}: expired, revoked or mistyped", source)
    if response.status == 403:
        return Account("refused", f"the Hub refuses this account: {response.message() or 'no reason given'}", source)
    data = response.raise_for_status("the account").json()
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        raise BadData("the Hub's answer about the account names no user")
    name, plan = clean(data["name"], limit=100), "pro" if data.get("isPro") is True else None
    own_namespace = Namespace(name, "user", *_permission(data, name, "user"), _can_pay(data, plan), plan=plan)
    if own_namespace.may_run_jobs is None and _role(data) is None:
        own_namespace = _browser_login(http, own_namespace)
    orgs = [_organization(data, org) for org in data.get("orgs") or [] if isinstance(org, dict) and org.get("name")]
    namespaces = [own_namespace, *orgs]
    verdicts = [each.may_run_jobs for each in namespaces]
    any_may_run = True if True in verdicts else None if None in verdicts else False
    return Account(
        "ok",
        f"account {own_namespace.name}",
        source,
        user=own_namespace.name,
        token_role=_role(data),
        is_pro=data.get("isPro") if isinstance(data.get("isPro"), bool) else None,
        can_pay=own_namespace.can_pay,
        may_run_jobs=any_may_run,
        may_run_jobs_basis=next(each.basis for each in namespaces if each.may_run_jobs is any_may_run),
        namespaces=namespaces,
        asked_at=response.date,
        cached=response.cached,
    )


def _stored(stored: Callable[[], Http], source: str) -> Account:
    """The account in a stored answer of any age, else one with the state `unreachable`."""
    try:
        http = stored()
        return _account(http, _whoami(http), source)
    except ToolError as err:
        return Account("unreachable", clean(err.message), source)


def _whoami(http: Http, ttl_s: int | None = None) -> Response:
    from ml_intern_helpers.web.services import HUB

    return http.get(HUB, PATH, ttl_s=ttl_s)


def _role(data: dict[str, Any]) -> str | None:
    """The token's role; None for a browser login (OAuth), whose permissions the answer does not contain."""
    role = _token(data).get("role")
    return clean(role, limit=40) if isinstance(role, str) else None


def _browser_login(http: Http, own: Namespace) -> Namespace:
    """Find out whether a browser login may run Jobs, by asking for the list of Jobs."""
    from ml_intern_helpers.web.services import HUB

    try:
        status = http.get(HUB, f"/api/jobs/{own.name}").status
    except ToolError:
        return own
    if status == 200:
        return replace(
            own, may_run_jobs=True, basis="this browser login may list the account's Jobs, so it is expected to run them"
        )
    if status in (401, 403):
        return replace(own, may_run_jobs=False, basis=f"this browser login may not even list Jobs (the Hub answered {status})")
    return own


def _organization(data: dict[str, Any], org: dict[str, Any]) -> Namespace:
    name = clean(org["name"], limit=100)
    role = clean(org["roleInOrg"], limit=40) if org.get("roleInOrg") else None
    plan = clean(org["plan"], limit=40) if org.get("plan") else None
    may, basis = _permission(data, name, "org")
    restrictions = [clean(each, limit=40) for each in org.get("securityRestrictions") or []]
    if may is not False and role in READERS:
        may, basis = False, f"the account is only {role!r} in this organization"
    elif may is not False and restrictions:
        may, basis = False, f"the organization does not accept this token now: {', '.join(restrictions)}"
    return Namespace(name, "org", may, basis, _can_pay(org, plan), role, plan)


def _permission(data: dict[str, Any], name: str, kind: str) -> tuple[bool | None, str]:
    role = _role(data)
    if role == "fineGrained":
        scopes = (_token(data).get("fineGrained") or {}).get("scoped") or []
        own_scopes = [
            each for each in scopes if (each.get("entity") or {}).get("type") == kind and each["entity"].get("name") == name
        ]
        is_granted = any(PERMISSION in (each.get("permissions") or []) for each in own_scopes)
        return is_granted, f"the fine-grained token {'has' if is_granted else 'lacks'} {PERMISSION} for {name}"
    if role in ("write", "god"):
        return True, "a write token, which is expected to cover Jobs"
    if role == "read":
        return False, "a read token may not run Jobs"
    return None, "a login without a role: its permissions are not known"


def _token(data: dict[str, Any]) -> dict[str, Any]:
    token = (data.get("auth") or {}).get("accessToken")
    return token if isinstance(token, dict) else {}


def _can_pay(holder: dict[str, Any], plan: str | None) -> bool | None:
    """Whether the Hub says that the account can pay; a False counts only without a plan, as plans include credit."""
    can_pay = holder.get("canPay")
    return can_pay if can_pay is True or (can_pay is False and plan is None) else None
