"""The peer of the transport bench: a grpcio server that sends the request's bytes back. No protobuf code runs: the best case."""
import sys
from concurrent import futures

import grpc


def main() -> None:
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=threads))
    handler = grpc.unary_unary_rpc_method_handler(lambda request, context: request)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("auraed.bench.v0.EchoService", {"Echo": handler}),))
    if server.add_insecure_port("unix:" + sys.argv[1]) == 0:
        sys.exit("echo.py: cannot listen on " + sys.argv[1])
    server.start()
    print("READY", flush=True)
    server.wait_for_termination()


main()
