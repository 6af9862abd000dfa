"""What a cluster is: its declarative spec, the providers that make one, and the steps that bring it up and down.

It never touches the user's own kubeconfig, never removes what Wavetank has not made, and never asks the network for
anything once there is a bundle.
"""

from wavetank.cluster.berth import SHIPPED, Berth, berth_of, settled, used_berth
from wavetank.cluster.provider import CAPABILITIES, PROVIDERS, Capability, Info, Node, Provider, info_of, provider_for
from wavetank.cluster.spec import ClusterSpec, Ports, find_spec, load_spec
from wavetank.cluster.state import kubeconfig_path
from wavetank.cluster.status import NodeStatus, Status, status
from wavetank.cluster.up import down, obtain_bundle, up

__all__ = [
    "CAPABILITIES",
    "PROVIDERS",
    "SHIPPED",
    "Berth",
    "Capability",
    "ClusterSpec",
    "Info",
    "Node",
    "NodeStatus",
    "Ports",
    "Provider",
    "Status",
    "berth_of",
    "down",
    "find_spec",
    "info_of",
    "kubeconfig_path",
    "load_spec",
    "obtain_bundle",
    "provider_for",
    "settled",
    "status",
    "up",
    "used_berth",
]
