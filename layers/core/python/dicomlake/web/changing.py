"""Handlers that change what is stored: imported at their first call, by the function that makes changes."""

from dicomlake.web.deferred import deferred_handler

delete_resource = deferred_handler("changes", "delete_resource")
patch_metadata = deferred_handler("changes", "patch_metadata")
get_history = deferred_handler("changes", "get_history")
post_undo = deferred_handler("changes", "post_undo")
post_purge = deferred_handler("changes", "post_purge")
put_hold = deferred_handler("changes", "put_hold")
delete_hold = deferred_handler("changes", "delete_hold")
