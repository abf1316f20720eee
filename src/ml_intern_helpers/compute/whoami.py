"""Reads the Hub's `/api/whoami-v2`: which namespaces a token may run Jobs in, and which of them could pay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.core.text import clean

if TYPE_CHECKING:
    from ml_intern_helpers.web.client import Http

PERMISSION = "job.write"
#: Members with these roles may not write in an organization, whatever their token says.
READERS = frozenset({"read", "no_access"})


@dataclass(frozen=True)
class Namespace:
    """A user or organization under which a job could run.

    Attributes:
        may_run_jobs: whether the token reaches that far; None when it cannot be told. `basis` says how it is known.
        can_pay: False when the Hub says that it cannot and no plan brings credit; None when it does not say. The balance
            itself is told nowhere: the sure test is a job on the cheapest flavor.
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
        """Jobs may run here, and it is not known that nobody would pay."""
        return self.may_run_jobs is True and self.can_pay is not False


def namespaces(data: dict[str, Any]) -> list[Namespace]:
    """The user's namespace first, then the organizations'."""
    name, plan = clean(data["name"], limit=100), "pro" if data.get("isPro") is True else None
    may, basis = _permission(data, name, "user")
    own = Namespace(name, "user", may, basis, _can_pay(data, plan), plan=plan)
    orgs = [_organization(data, org) for org in data.get("orgs") or [] if isinstance(org, dict) and org.get("name")]
    return [own, *orgs]


def role_of(data: dict[str, Any]) -> str | None:
    """The token's role; None for a browser login (OAuth), whose reach the answer does not tell."""
    role = _token(data).get("role")
    return clean(role, limit=40) if isinstance(role, str) else None


def browser_login(http: Http, own: Namespace) -> Namespace:
    """Settle for a browser login whether it may run Jobs: one that may is also let in to their list."""
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
    blocked = [clean(each, limit=40) for each in org.get("securityRestrictions") or []]
    if may is not False and role in READERS:
        may, basis = False, f"the account is only {role!r} in this organization"
    elif may is not False and blocked:
        may, basis = False, f"the organization does not accept this token now: {', '.join(blocked)}"
    return Namespace(name, "org", may, basis, _can_pay(org, plan), role, plan)


def _permission(data: dict[str, Any], name: str, kind: str) -> tuple[bool | None, str]:
    role = role_of(data)
    if role == "fineGrained":
        has = PERMISSION in _granted(data, name, kind)
        return has, f"the fine-grained token {'has' if has else 'lacks'} {PERMISSION} for {name}"
    if role in ("write", "god"):
        return True, "a write token, which is expected to cover Jobs"
    if role == "read":
        return False, "a read token may not run Jobs"
    return None, "a login without a role: what it may do is not told"


def _granted(data: dict[str, Any], name: str, kind: str) -> set[str]:
    """What a fine-grained token may do for the user or organization `name`."""
    granted: set[str] = set()
    scoped = (_token(data).get("fineGrained") or {}).get("scoped") or []
    for scope in scoped:
        entity = scope.get("entity") or {}
        if entity.get("type") == kind and entity.get("name") == name:
            granted.update(scope.get("permissions") or [])
    return granted


def _token(data: dict[str, Any]) -> dict[str, Any]:
    token = (data.get("auth") or {}).get("accessToken")
    return token if isinstance(token, dict) else {}


def _can_pay(holder: dict[str, Any], plan: str | None) -> bool | None:
    """True as the Hub says; a False is only final where no plan brings monthly credit."""
    says = holder.get("canPay")
    if says is True:
        return True
    return False if says is False and plan is None else None
