"""The server side of the interoperability suite: server.py STUBS TARGET. Prints READY when it serves."""
import sys
import threading
from concurrent import futures

sys.path.insert(0, sys.argv[1])

import grpc  # noqa: E402
import messages_pb2 as m  # noqa: E402
import test_pb2_grpc  # noqa: E402

INITIAL = "x-grpc-test-echo-initial"
TRAILING = "x-grpc-test-echo-trailing-bin"
CODES = {code.value[0]: code for code in grpc.StatusCode}


def echo(context):
    metadata = dict(context.invocation_metadata())
    if INITIAL in metadata:
        context.send_initial_metadata(((INITIAL, metadata[INITIAL]),))
    if TRAILING in metadata:
        context.set_trailing_metadata(((TRAILING, metadata[TRAILING]),))


def refuse_if_asked(request, context):
    if request.HasField("response_status"):
        context.abort(CODES[request.response_status.code], request.response_status.message)


def answer(parameters, context):
    for each in parameters:
        if each.HasField("compressed") and not each.compressed.value:
            context.disable_next_message_compression()
        yield m.StreamingOutputCallResponse(payload=m.Payload(body=bytes(each.size)))


class TestService(test_pb2_grpc.TestServiceServicer):
    def EmptyCall(self, request, context):
        return request

    def UnaryCall(self, request, context):
        if request.HasField("response_compressed"):
            context.set_compression(grpc.Compression.Gzip)
            if not request.response_compressed.value:
                context.disable_next_message_compression()
        echo(context)
        refuse_if_asked(request, context)
        return m.SimpleResponse(payload=m.Payload(body=bytes(request.response_size)))

    def StreamingOutputCall(self, request, context):
        if any(each.compressed.value for each in request.response_parameters):
            context.set_compression(grpc.Compression.Gzip)
        echo(context)
        refuse_if_asked(request, context)
        yield from answer(request.response_parameters, context)

    def StreamingInputCall(self, requests, context):
        return m.StreamingInputCallResponse(aggregated_payload_size=sum(len(request.payload.body) for request in requests))

    def FullDuplexCall(self, requests, context):
        echo(context)
        for request in requests:
            refuse_if_asked(request, context)
            yield from answer(request.response_parameters, context)


server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
test_pb2_grpc.add_TestServiceServicer_to_server(TestService(), server)
server.add_insecure_port(sys.argv[2])
server.start()
print("READY", flush=True)
threading.Event().wait()
