"""Errors that only the service raises. Each has a `message`, as in `sentiment_core.errors`."""

from sentiment_core.errors import TerminalError, TransientError


class HttpMalformed(TerminalError):
    message = "The request is not valid HTTP, or its head is too large. The connection is closed."
    code = "malformed_http"


class RequestMalformed(TerminalError):
    message = "The body is not valid JSON: {why}."
    code = "malformed_json"


class EncodingInvalid(TerminalError):
    message = "The body is not valid UTF-8. Send text as UTF-8."
    code = "invalid_utf8"


class TextInvalid(TerminalError):
    message = "The field {field} holds half of a surrogate pair, which is not a character. Send complete characters."
    code = "invalid_text"


class TextUnstorable(TerminalError):
    message = "The field {field} holds the character U+0000, which cannot be stored. Send the text without it."
    code = "unstorable_text"


class TextMissing(TerminalError):
    message = "The field {field} is missing."
    code = "missing_text"


class FieldMissing(TerminalError):
    message = "The field {field} is missing."
    code = "missing_field"


class ValueInvalid(TerminalError):
    message = "The field {field} has an invalid value: {why}."
    code = "invalid_value"


class TextEmpty(TerminalError):
    message = "The field {field} has no text: {why}. Send a text."
    code = "empty_text"


class TypeInvalid(TerminalError):
    message = "The {where} has the wrong type: {why}."
    code = "wrong_type"


class FieldUnknown(TerminalError):
    message = "The field {field} is unknown. Known fields: {known}."
    code = "unknown_field"


class ContentTypeUnsupported(TerminalError):
    message = "The content type {found} is not accepted. Send {wanted}."
    code = "wrong_content_type"


class ContentEncodingUnsupported(TerminalError):
    message = "The content encoding {found} is not accepted. Send {wanted}, or none."
    code = "wrong_content_encoding"


class ExpectationFailed(TerminalError):
    message = "The expectation {found} is not accepted. Send `Expect: 100-continue`, or none."
    code = "expectation_failed"


class BodyTooLarge(TerminalError):
    message = "The body is larger than {limit} bytes. Send a smaller body."
    code = "too_large"


class BatchTooLarge(TerminalError):
    message = "The batch has {found} texts; the maximum is {limit}. Send it in parts."
    code = "batch_too_large"


class TextTooLong(TerminalError):
    message = "The field {field} has {found} characters; the maximum is {limit}. Send a shorter text."
    code = "text_too_long"


class CrossSite(TerminalError):
    message = "A page of another site sent this request. Only origins in SENTIMENT_CORS_ORIGINS are allowed."
    code = "cross_site"


class RateLimited(TransientError):
    message = "This client exceeds its limit of {rate:g} requests a second. Try again in {wait:.3g} s."
    code = "rate_limited"


class Overloaded(TransientError):
    message = "This process already has {limit} {things}. Try again soon, or run more processes."
    code = "overloaded"


class BodyTooSlow(TerminalError):
    message = "The body did not arrive within {seconds:g} s. Send it faster or in parts."
    code = "body_too_slow"


class AnswerTooSlow(TransientError):
    message = "The answer was not ready within {seconds:g} s. Try again with a smaller request."
    code = "answer_too_slow"


class FeedbackOff(TerminalError):
    message = "This service accepts no corrections because it has no database. Set SENTIMENT_DATABASE_URL."
    code = "feedback_off"


class FeedbackQueueFull(TransientError):
    message = "The correction was not accepted: the queue is full, {waiting} others wait for the database. Try again."
    code = "feedback_queue_full"


class FeedbackUnavailable(TransientError):
    message = "The correction was not accepted because the database accepts none: {why}. Try again later."
    code = "feedback_unavailable"


class ModelNotReady(TransientError):
    message = "No model is loaded: {why}. Try again in a few seconds."
    code = "not_ready"


class ServiceStopping(TransientError):
    message = "This process is stopping and accepts no new work. Try again; another process will answer."
    code = "stopping"


class PathUnknown(TerminalError):
    message = "There is nothing at this address. /docs lists all addresses."
    code = "not_found"


class MethodNotAllowed(TerminalError):
    message = "This address does not accept {method}. It accepts {allowed}."
    code = "method_not_allowed"


class BodyUnreadable(TerminalError):
    message = "The body could not be read: {why}."
    code = "unreadable_body"


class UpgradeRequired(TerminalError):
    message = "This address accepts WebSockets only. Connect with a WebSocket client."
    code = "upgrade_required"


class RequestFailed(TerminalError):
    message = "The request failed inside the service. See its log for the request id {request_id}."
    code = "internal_error"
