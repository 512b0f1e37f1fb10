"""Storage pools and volumes of this host, for the drivers that run here.

The calls, by module: each is a function whose first argument is the `Storage` of a connection.
"""

METHODS: "dict[str, tuple[str, ...]]" = {
    "capabilities": ("connect_get_storage_pool_capabilities",),
    "pools": (
        "connect_find_storage_pool_sources",
        "connect_list_all_storage_pools",
        "storage_pool_build",
        "storage_pool_create",
        "storage_pool_create_xml",
        "storage_pool_define_xml",
        "storage_pool_delete",
        "storage_pool_destroy",
        "storage_pool_get_autostart",
        "storage_pool_get_info",
        "storage_pool_get_xml_desc",
        "storage_pool_is_active",
        "storage_pool_is_persistent",
        "storage_pool_lookup_by_name",
        "storage_pool_lookup_by_target_path",
        "storage_pool_lookup_by_uuid",
        "storage_pool_lookup_by_volume",
        "storage_pool_refresh",
        "storage_pool_set_autostart",
        "storage_pool_undefine",
    ),
    "volumes": (
        "storage_pool_list_all_volumes",
        "storage_vol_get_info",
        "storage_vol_get_info_flags",
        "storage_vol_get_path",
        "storage_vol_get_xml_desc",
        "storage_vol_lookup_by_key",
        "storage_vol_lookup_by_name",
        "storage_vol_lookup_by_path",
    ),
    "making": (
        "storage_vol_create_xml",
        "storage_vol_create_xml_from",
        "storage_vol_delete",
        "storage_vol_resize",
    ),
    "contents": (
        "storage_vol_download",
        "storage_vol_upload",
        "storage_vol_wipe",
        "storage_vol_wipe_pattern",
    ),
}
