"""Who calls, and what a schema cannot say of valid requests."""

import itertools
import os

import requests
import schemathesis

SERVER = os.environ["KOODTX_TEST_SERVER"]
PASSWORD = "correct horse battery"
COLUMNS = "application/vnd.koodtx.columns+json"
# A call of these ends the token that it was made with, so they have accounts of their own.
ACCOUNTS = {
    "refresh": "refreshing",
    "logout": "logging out",
    "change_password": "changing passwords",
    "delete_account": "deleting accounts",
    # It may be the own device, which the other one tells of.
    "revoke_device": "devices",
    "list_devices": "devices",
}
ENDING = set(ACCOUNTS) - {"list_devices"}

_numbers = itertools.count()
# What each account was told when it was registered.
_signed_in = {}
# Jobs that were submitted.
_jobs = []


def register():
    """Registers a new account, and returns the answer."""
    name = f"caller-{next(_numbers)}"
    body = {
        "username": name,
        "email": f"{name}@example.com",
        "password": PASSWORD,
        "device_id": name,
    }
    answer = requests.post(f"{SERVER}/api/auth/register", json=body, timeout=60)
    answer.raise_for_status()
    return answer.json()


def operation_id(operation):
    return operation.definition.raw["operationId"]


@schemathesis.auth(refresh_interval=None)
class Caller:
    """One account for everything, and one of its own for what ends its token."""

    def get(self, case, context):
        operation = operation_id(context.operation)
        account = ACCOUNTS.get(operation, "all others")
        if account not in _signed_in:
            _signed_in[account] = register()
        token = "refresh_token" if operation == "refresh" else "access_token"
        return _signed_in[account][token]

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def after_call(context, case, response):
    operation = operation_id(case.operation)
    if operation in ENDING and response.status_code == 200:
        _signed_in.pop(ACCOUNTS[operation], None)
    if operation == "analyse_session" and response.status_code == 202:
        _jobs.append(response.json()["job_id"])


@schemathesis.hook
def before_call(context, case, kwargs):
    """Puts right what is meant to be valid, where a schema cannot say what is."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    operation = operation_id(case.operation)
    if operation == "get_job" and _jobs:
        case.path_parameters["job_id"] = _jobs[-1]
    elif operation == "get_statistics":
        in_order(case.query, "from", "to")
    elif operation == "pull" and isinstance(case.body, dict):
        # Neither goes with pages.
        if {"cursor", "max_records"} & set(case.body):
            case.body.pop("page", None)
    elif operation == "push" and isinstance(case.body, dict):
        in_order(case.body["session"], "start_time", "end_time")
        if case.media_type == COLUMNS:
            for group in case.body["columns"]:
                fit(group)


def in_order(holder, first, last):
    """Two times of which the one must not be behind the other."""
    if holder and isinstance(holder.get(first), str) and isinstance(holder.get(last), str):
        holder[last] = holder[first]


def fit(group):
    """Makes every list of a group as long as there are rows."""
    times = group["timestamp"]
    rows = len(times) if isinstance(times, list) else len(times["steps"]) + 1
    group["data"] = {name: fitted(values, rows) for name, values in group["data"].items()}
    if not isinstance(group.get("updated_at"), str | None):
        group["updated_at"] = fitted(group["updated_at"], rows)


def fitted(values, rows):
    if isinstance(values, list):
        return (values + [None] * rows)[:rows]
    numbers = sorted({row for row in values["rows"] if row < rows})
    return {**values, "rows": numbers, "values": fitted(values["values"], len(numbers))}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops what is as it has to be."""
    kind = type(failure).__name__
    answer = response.json() if response.status_code in (200, 400) else {}
    # A cursor is opaque: only those that the server gave out are good, and no pattern says which.
    if kind == "RejectedPositiveData" and answer.get("details", {}).get("field") == "cursor":
        return False
    # A record that is wrong is refused by itself; the rest of the push is stored.
    if kind == "AcceptedNegativeData" and operation_id(case.operation) == "push":
        return answer.get("errors", 0) == 0
    return True
