"""Prometheus text is read."""

from deploy.metrics import Metrics

TEXT = """\
# TYPE battles_in_memory gauge
battles_in_memory{shard="0"} 3
battles_in_memory{shard="1"} 4.5
gateway_sessions 12

grpc_client_seconds_bucket{method="/mud.user.v1.UserService/SignIn",code="ok",le="+Inf"} 7
grpc_client_seconds_count{method="/mud.user.v1.UserService/SignIn",code="ok"} 7
grpc_client_seconds_count{method="/mud.user.v1.UserService/SignIn",code="unavailable"} 2
grpc_client_seconds_count{method="/mud.chat.v1.ChatService/Send",code="unavailable"} 1
"""


def test_samples_are_summed_over_the_labels_that_are_not_named():
    metrics = Metrics(TEXT)
    assert metrics.total("battles_in_memory") == 7.5
    assert metrics.total("battles_in_memory", shard="1") == 4.5
    assert metrics.total("gateway_sessions") == 12
    assert metrics.total("absent") == 0


def test_a_label_may_be_named_by_its_beginning():
    failed = Metrics(TEXT).total("grpc_client_seconds_count", method="/mud.user.v1.*", code="unavailable")
    assert failed == 2


def test_who_does_not_answer_says_nothing():
    assert Metrics.of("127.0.0.1:1") is None
