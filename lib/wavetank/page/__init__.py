"""The list of labs as a page of JupyterLab's own server: what can be done already, and what still comes up.

It only tells: nothing is begun or ended from here. Read in this order: `model`, `extension`; `page.html` is what the
browser gets, whole, and it asks for the state again and again.
"""

from wavetank.page.extension import _jupyter_server_extension_points

__all__ = ["_jupyter_server_extension_points"]
