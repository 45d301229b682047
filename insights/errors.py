"""Errors that only the insights page raises. Each has a `message`, as in `sentiment_core.errors`."""

from sentiment_core.errors import TerminalError, TransientError


class DayInvalid(TerminalError):
    message = "The {field} {found} is not a day from {first} to {last}. Write it as YYYY-MM-DD."
    code = "invalid_day"


class PeriodReversed(TerminalError):
    message = "The period ends on {until}, before it starts on {since}. Swap the two days."
    code = "reversed_period"


class PeriodTooLong(TerminalError):
    message = "The period from {since} to {until} has more than {limit:,} days. Choose a shorter one."
    code = "period_too_long"


class ValueInvalid(TerminalError):
    message = "The {field} cannot be read: {why}. Choose another one."
    code = "invalid_value"


class SourceUnknown(TerminalError):
    message = "There is no source {source} with scored reviews. Choose one of the list."
    code = "unknown_source"


class ProductUnknown(TerminalError):
    message = "There is no product {product} with scored reviews."
    code = "unknown_product"


class DatabaseDown(TransientError):
    message = "The database does not answer. Try again in a minute."
    code = "database_down"


class QueryRefused(TerminalError):
    message = "The database refused to answer. The log of this process has the reason. Tell its operator."
    code = "query_refused"


class QueryTooSlow(TransientError):
    message = "The database took longer than {seconds:g} s. Choose a shorter period, or try again later."
    code = "query_too_slow"


class Busy(TransientError):
    message = "Too many people ask at the same time: {waiting} requests wait for the database. Try again soon."
    code = "busy"


class PageUnknown(TerminalError):
    message = "There is nothing at this address. The page is at /."
    code = "not_found"


class MethodNotAllowed(TerminalError):
    message = "This address accepts only GET."
    code = "method_not_allowed"


class RequestFailed(TerminalError):
    message = "The request failed. The log of this process has the reason. Tell its operator."
    code = "internal_error"
