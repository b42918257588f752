"""The client side of the interoperability suite: client.py STUBS TARGET [CA]. Prints "PASS case" or "FAIL case reason" for each.

Two cases are narrower than in the suite, for want of an API: no message of a stream can be excepted from compression, and
whether a response was compressed is not shown.
"""
import sys

sys.path.insert(0, sys.argv[1])

import grpc  # noqa: E402
import empty_pb2  # noqa: E402
import messages_pb2 as m  # noqa: E402
import test_pb2_grpc  # noqa: E402

TARGET = sys.argv[2]
GZIP = grpc.Compression.Gzip
INITIAL = "x-grpc-test-echo-initial"
TRAILING = "x-grpc-test-echo-trailing-bin"


def zeros(size):
    return m.Payload(body=bytes(size))


def large(**more):
    return m.SimpleRequest(response_size=314159, payload=zeros(271828), **more)


def ask(request_size, response_size):
    return m.StreamingOutputCallRequest(payload=zeros(request_size), response_parameters=[m.ResponseParameters(size=response_size)])


def flag(value):
    return m.BoolValue(value=value)


def fails(code, call):
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == code, f"{error.code()}: {error.details()}"
        return error
    raise AssertionError(f"expected {code}")


def empty_unary(stub):
    assert stub.EmptyCall(empty_pb2.Empty()) == empty_pb2.Empty()


def large_unary(stub):
    assert len(stub.UnaryCall(large()).payload.body) == 314159


def client_compressed_unary(stub):
    fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: stub.UnaryCall(large(expect_compressed=flag(True))))
    assert len(stub.UnaryCall(large(expect_compressed=flag(True)), compression=GZIP).payload.body) == 314159
    assert len(stub.UnaryCall(large(expect_compressed=flag(False))).payload.body) == 314159


def server_compressed_unary(stub):
    for value in (True, False):
        assert len(stub.UnaryCall(large(response_compressed=flag(value))).payload.body) == 314159


def client_compressed_streaming(stub):
    first = m.StreamingInputCallRequest(payload=zeros(27182), expect_compressed=flag(True))
    fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: stub.StreamingInputCall(iter([first])))
    assert stub.StreamingInputCall(iter([first, first]), compression=GZIP).aggregated_payload_size == 2 * 27182


def server_compressed_streaming(stub):
    parameters = [m.ResponseParameters(size=31415, compressed=flag(True)), m.ResponseParameters(size=92653, compressed=flag(False))]
    responses = stub.StreamingOutputCall(m.StreamingOutputCallRequest(response_parameters=parameters))
    assert [len(response.payload.body) for response in responses] == [31415, 92653]


def client_streaming(stub):
    requests = (m.StreamingInputCallRequest(payload=zeros(size)) for size in (27182, 8, 1828, 45904))
    assert stub.StreamingInputCall(requests).aggregated_payload_size == 74922


def server_streaming(stub):
    sizes = [31415, 9, 2653, 58979]
    request = m.StreamingOutputCallRequest(response_parameters=[m.ResponseParameters(size=size) for size in sizes])
    assert [len(response.payload.body) for response in stub.StreamingOutputCall(request)] == sizes


class Pipe:
    """Requests that are given one by one."""

    def __init__(self):
        import queue
        self._queue = queue.Queue()

    def send(self, request):
        self._queue.put(request)

    def close(self):
        self._queue.put(None)

    def __iter__(self):
        return iter(self._queue.get, None)


def ping_pong(stub):
    pipe = Pipe()
    responses = stub.FullDuplexCall(iter(pipe))
    for request_size, response_size in ((27182, 31415), (8, 9), (1828, 2653), (45904, 58979)):
        pipe.send(ask(request_size, response_size))
        assert len(next(responses).payload.body) == response_size
    pipe.close()
    assert list(responses) == []


def empty_stream(stub):
    assert list(stub.FullDuplexCall(iter([]))) == []


def custom_metadata(stub):
    metadata = ((INITIAL, "test_initial_metadata_value"), (TRAILING, b"\xab\xab\xab"))
    _, call = stub.UnaryCall.with_call(large(), metadata=metadata)
    assert dict(call.initial_metadata())[INITIAL] == "test_initial_metadata_value"
    assert dict(call.trailing_metadata())[TRAILING] == b"\xab\xab\xab"
    duplex = stub.FullDuplexCall(iter([ask(271828, 314159)]), metadata=metadata)
    assert len(next(duplex).payload.body) == 314159
    assert list(duplex) == []
    assert dict(duplex.initial_metadata())[INITIAL] == "test_initial_metadata_value"
    assert dict(duplex.trailing_metadata())[TRAILING] == b"\xab\xab\xab"


def status_code_and_message(stub):
    status = m.EchoStatus(code=2, message="test status message")
    error = fails(grpc.StatusCode.UNKNOWN, lambda: stub.UnaryCall(m.SimpleRequest(response_status=status)))
    assert error.details() == "test status message"
    request = m.StreamingOutputCallRequest(response_status=status)
    error = fails(grpc.StatusCode.UNKNOWN, lambda: list(stub.FullDuplexCall(iter([request]))))
    assert error.details() == "test status message"


def special_status_message(stub):
    message = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"
    status = m.EchoStatus(code=2, message=message)
    error = fails(grpc.StatusCode.UNKNOWN, lambda: stub.UnaryCall(m.SimpleRequest(response_status=status)))
    assert error.details() == message


def unimplemented_method(stub):
    fails(grpc.StatusCode.UNIMPLEMENTED, lambda: stub.UnimplementedCall(empty_pb2.Empty()))


def unimplemented_service(stub):
    other = test_pb2_grpc.UnimplementedServiceStub(CHANNEL)
    fails(grpc.StatusCode.UNIMPLEMENTED, lambda: other.UnimplementedCall(empty_pb2.Empty()))


def cancel_after_begin(stub):
    pipe = Pipe()
    call = stub.StreamingInputCall.future(iter(pipe))
    call.cancel()
    pipe.close()
    assert call.cancelled()
    assert call.code() == grpc.StatusCode.CANCELLED


def cancel_after_first_response(stub):
    pipe = Pipe()
    responses = stub.FullDuplexCall(iter(pipe))
    pipe.send(ask(27182, 31415))
    assert len(next(responses).payload.body) == 31415
    responses.cancel()
    pipe.close()
    fails(grpc.StatusCode.CANCELLED, lambda: next(responses))


def timeout_on_sleeping_server(stub):
    pipe = Pipe()
    pipe.send(m.StreamingOutputCallRequest(payload=zeros(27182)))
    fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: next(stub.FullDuplexCall(iter(pipe), timeout=0.001)))
    pipe.close()


CASES = [
    empty_unary, large_unary, client_compressed_unary, server_compressed_unary, client_compressed_streaming, server_compressed_streaming,
    client_streaming, server_streaming, ping_pong, empty_stream, custom_metadata, status_code_and_message, special_status_message,
    unimplemented_method, unimplemented_service, cancel_after_begin, cancel_after_first_response, timeout_on_sleeping_server,
]

if len(sys.argv) > 3:
    with open(sys.argv[3], "rb") as authority:
        CHANNEL = grpc.secure_channel(TARGET, grpc.ssl_channel_credentials(authority.read()))
else:
    CHANNEL = grpc.insecure_channel(TARGET)

with CHANNEL:
    STUB = test_pb2_grpc.TestServiceStub(CHANNEL)
    for case in CASES:
        try:
            case(STUB)
            print("PASS", case.__name__, flush=True)
        except Exception as error:  # The reason is the test's message.
            print("FAIL", case.__name__, type(error).__name__, " ".join(str(error).split()), flush=True)
