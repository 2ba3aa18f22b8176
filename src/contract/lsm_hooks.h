// The LSM hooks of Linux 6.12 by what a BPF program may do there. Names only; whether a hook exists, and whether it
// returns anything, is in the kernel's BTF. Source: kernel/bpf/bpf_lsm.c, include/linux/lsm_hook_defs.h.
#pragma once
#include <string_view>

namespace osmia::contract {

// Every hook; a program of type lsm attaches to one of these, else "points to wrong type name".
inline constexpr std::string_view kLsmHooks[] = {
    "bpf_lsm_binder_set_context_mgr", "bpf_lsm_binder_transaction", "bpf_lsm_binder_transfer_binder",
    "bpf_lsm_binder_transfer_file", "bpf_lsm_ptrace_access_check", "bpf_lsm_ptrace_traceme",
    "bpf_lsm_capget", "bpf_lsm_capset", "bpf_lsm_capable", "bpf_lsm_quotactl", "bpf_lsm_quota_on",
    "bpf_lsm_syslog", "bpf_lsm_settime", "bpf_lsm_vm_enough_memory", "bpf_lsm_bprm_creds_for_exec",
    "bpf_lsm_bprm_creds_from_file", "bpf_lsm_bprm_check_security", "bpf_lsm_bprm_committing_creds",
    "bpf_lsm_bprm_committed_creds", "bpf_lsm_fs_context_submount", "bpf_lsm_fs_context_dup",
    "bpf_lsm_fs_context_parse_param", "bpf_lsm_sb_alloc_security", "bpf_lsm_sb_delete",
    "bpf_lsm_sb_free_security", "bpf_lsm_sb_free_mnt_opts", "bpf_lsm_sb_eat_lsm_opts",
    "bpf_lsm_sb_mnt_opts_compat", "bpf_lsm_sb_remount", "bpf_lsm_sb_kern_mount", "bpf_lsm_sb_show_options",
    "bpf_lsm_sb_statfs", "bpf_lsm_sb_mount", "bpf_lsm_sb_umount", "bpf_lsm_sb_pivotroot",
    "bpf_lsm_sb_set_mnt_opts", "bpf_lsm_sb_clone_mnt_opts", "bpf_lsm_move_mount",
    "bpf_lsm_dentry_init_security", "bpf_lsm_dentry_create_files_as", "bpf_lsm_path_unlink",
    "bpf_lsm_path_mkdir", "bpf_lsm_path_rmdir", "bpf_lsm_path_mknod", "bpf_lsm_path_post_mknod",
    "bpf_lsm_path_truncate", "bpf_lsm_path_symlink", "bpf_lsm_path_link", "bpf_lsm_path_rename",
    "bpf_lsm_path_chmod", "bpf_lsm_path_chown", "bpf_lsm_path_chroot", "bpf_lsm_path_notify",
    "bpf_lsm_inode_alloc_security", "bpf_lsm_inode_free_security", "bpf_lsm_inode_free_security_rcu",
    "bpf_lsm_inode_init_security", "bpf_lsm_inode_init_security_anon", "bpf_lsm_inode_create",
    "bpf_lsm_inode_post_create_tmpfile", "bpf_lsm_inode_link", "bpf_lsm_inode_unlink",
    "bpf_lsm_inode_symlink", "bpf_lsm_inode_mkdir", "bpf_lsm_inode_rmdir", "bpf_lsm_inode_mknod",
    "bpf_lsm_inode_rename", "bpf_lsm_inode_readlink", "bpf_lsm_inode_follow_link",
    "bpf_lsm_inode_permission", "bpf_lsm_inode_setattr", "bpf_lsm_inode_post_setattr",
    "bpf_lsm_inode_getattr", "bpf_lsm_inode_xattr_skipcap", "bpf_lsm_inode_setxattr",
    "bpf_lsm_inode_post_setxattr", "bpf_lsm_inode_getxattr", "bpf_lsm_inode_listxattr",
    "bpf_lsm_inode_removexattr", "bpf_lsm_inode_post_removexattr", "bpf_lsm_inode_set_acl",
    "bpf_lsm_inode_post_set_acl", "bpf_lsm_inode_get_acl", "bpf_lsm_inode_remove_acl",
    "bpf_lsm_inode_post_remove_acl", "bpf_lsm_inode_need_killpriv", "bpf_lsm_inode_killpriv",
    "bpf_lsm_inode_getsecurity", "bpf_lsm_inode_setsecurity", "bpf_lsm_inode_listsecurity",
    "bpf_lsm_inode_getsecid", "bpf_lsm_inode_copy_up", "bpf_lsm_inode_copy_up_xattr",
    "bpf_lsm_inode_setintegrity", "bpf_lsm_kernfs_init_security", "bpf_lsm_file_permission",
    "bpf_lsm_file_alloc_security", "bpf_lsm_file_release", "bpf_lsm_file_free_security",
    "bpf_lsm_backing_file_alloc", "bpf_lsm_backing_file_free", "bpf_lsm_file_ioctl",
    "bpf_lsm_file_ioctl_compat", "bpf_lsm_mmap_addr", "bpf_lsm_mmap_file", "bpf_lsm_mmap_backing_file",
    "bpf_lsm_file_mprotect", "bpf_lsm_file_lock", "bpf_lsm_file_fcntl", "bpf_lsm_file_set_fowner",
    "bpf_lsm_file_send_sigiotask", "bpf_lsm_file_receive", "bpf_lsm_file_open", "bpf_lsm_file_post_open",
    "bpf_lsm_file_truncate", "bpf_lsm_task_alloc", "bpf_lsm_task_free", "bpf_lsm_cred_alloc_blank",
    "bpf_lsm_cred_free", "bpf_lsm_cred_prepare", "bpf_lsm_cred_transfer", "bpf_lsm_cred_getsecid",
    "bpf_lsm_kernel_act_as", "bpf_lsm_kernel_create_files_as", "bpf_lsm_kernel_module_request",
    "bpf_lsm_kernel_load_data", "bpf_lsm_kernel_post_load_data", "bpf_lsm_kernel_read_file",
    "bpf_lsm_kernel_post_read_file", "bpf_lsm_task_fix_setuid", "bpf_lsm_task_fix_setgid",
    "bpf_lsm_task_fix_setgroups", "bpf_lsm_task_setpgid", "bpf_lsm_task_getpgid", "bpf_lsm_task_getsid",
    "bpf_lsm_current_getsecid_subj", "bpf_lsm_task_getsecid_obj", "bpf_lsm_task_setnice",
    "bpf_lsm_task_setioprio", "bpf_lsm_task_getioprio", "bpf_lsm_task_prlimit", "bpf_lsm_task_setrlimit",
    "bpf_lsm_task_setscheduler", "bpf_lsm_task_getscheduler", "bpf_lsm_task_movememory",
    "bpf_lsm_task_kill", "bpf_lsm_task_prctl", "bpf_lsm_task_to_inode", "bpf_lsm_userns_create",
    "bpf_lsm_ipc_permission", "bpf_lsm_ipc_getsecid", "bpf_lsm_msg_msg_alloc_security",
    "bpf_lsm_msg_msg_free_security", "bpf_lsm_msg_queue_alloc_security", "bpf_lsm_msg_queue_free_security",
    "bpf_lsm_msg_queue_associate", "bpf_lsm_msg_queue_msgctl", "bpf_lsm_msg_queue_msgsnd",
    "bpf_lsm_msg_queue_msgrcv", "bpf_lsm_shm_alloc_security", "bpf_lsm_shm_free_security",
    "bpf_lsm_shm_associate", "bpf_lsm_shm_shmctl", "bpf_lsm_shm_shmat", "bpf_lsm_sem_alloc_security",
    "bpf_lsm_sem_free_security", "bpf_lsm_sem_associate", "bpf_lsm_sem_semctl", "bpf_lsm_sem_semop",
    "bpf_lsm_netlink_send", "bpf_lsm_d_instantiate", "bpf_lsm_getselfattr", "bpf_lsm_setselfattr",
    "bpf_lsm_getprocattr", "bpf_lsm_setprocattr", "bpf_lsm_ismaclabel", "bpf_lsm_secid_to_secctx",
    "bpf_lsm_secctx_to_secid", "bpf_lsm_release_secctx", "bpf_lsm_inode_invalidate_secctx",
    "bpf_lsm_inode_notifysecctx", "bpf_lsm_inode_setsecctx", "bpf_lsm_inode_getsecctx",
    "bpf_lsm_post_notification", "bpf_lsm_watch_key", "bpf_lsm_unix_stream_connect",
    "bpf_lsm_unix_may_send", "bpf_lsm_socket_create", "bpf_lsm_socket_post_create",
    "bpf_lsm_socket_socketpair", "bpf_lsm_socket_bind", "bpf_lsm_socket_connect", "bpf_lsm_socket_listen",
    "bpf_lsm_socket_accept", "bpf_lsm_socket_sendmsg", "bpf_lsm_socket_recvmsg",
    "bpf_lsm_socket_getsockname", "bpf_lsm_socket_getpeername", "bpf_lsm_socket_getsockopt",
    "bpf_lsm_socket_setsockopt", "bpf_lsm_socket_shutdown", "bpf_lsm_socket_sock_rcv_skb",
    "bpf_lsm_socket_getpeersec_stream", "bpf_lsm_socket_getpeersec_dgram", "bpf_lsm_sk_alloc_security",
    "bpf_lsm_sk_free_security", "bpf_lsm_sk_clone_security", "bpf_lsm_sk_getsecid", "bpf_lsm_sock_graft",
    "bpf_lsm_inet_conn_request", "bpf_lsm_inet_csk_clone", "bpf_lsm_inet_conn_established",
    "bpf_lsm_secmark_relabel_packet", "bpf_lsm_secmark_refcount_inc", "bpf_lsm_secmark_refcount_dec",
    "bpf_lsm_req_classify_flow", "bpf_lsm_tun_dev_alloc_security", "bpf_lsm_tun_dev_create",
    "bpf_lsm_tun_dev_attach_queue", "bpf_lsm_tun_dev_attach", "bpf_lsm_tun_dev_open",
    "bpf_lsm_sctp_assoc_request", "bpf_lsm_sctp_bind_connect", "bpf_lsm_sctp_sk_clone",
    "bpf_lsm_sctp_assoc_established", "bpf_lsm_mptcp_add_subflow", "bpf_lsm_ib_pkey_access",
    "bpf_lsm_ib_endport_manage_subnet", "bpf_lsm_ib_alloc_security", "bpf_lsm_xfrm_policy_alloc_security",
    "bpf_lsm_xfrm_policy_clone_security", "bpf_lsm_xfrm_policy_free_security",
    "bpf_lsm_xfrm_policy_delete_security", "bpf_lsm_xfrm_state_alloc", "bpf_lsm_xfrm_state_alloc_acquire",
    "bpf_lsm_xfrm_state_free_security", "bpf_lsm_xfrm_state_delete_security", "bpf_lsm_xfrm_policy_lookup",
    "bpf_lsm_xfrm_state_pol_flow_match", "bpf_lsm_xfrm_decode_session", "bpf_lsm_key_alloc",
    "bpf_lsm_key_permission", "bpf_lsm_key_getsecurity", "bpf_lsm_key_post_create_or_update",
    "bpf_lsm_audit_rule_init", "bpf_lsm_audit_rule_known", "bpf_lsm_audit_rule_match",
    "bpf_lsm_audit_rule_free", "bpf_lsm_bpf", "bpf_lsm_bpf_map", "bpf_lsm_bpf_prog",
    "bpf_lsm_bpf_map_create", "bpf_lsm_bpf_map_free", "bpf_lsm_bpf_prog_load", "bpf_lsm_bpf_prog_free",
    "bpf_lsm_bpf_token_create", "bpf_lsm_bpf_token_free", "bpf_lsm_bpf_token_cmd",
    "bpf_lsm_bpf_token_capable", "bpf_lsm_locked_down", "bpf_lsm_perf_event_open",
    "bpf_lsm_perf_event_alloc", "bpf_lsm_perf_event_read", "bpf_lsm_perf_event_write",
    "bpf_lsm_uring_override_creds", "bpf_lsm_uring_sqpoll", "bpf_lsm_uring_cmd",
    "bpf_lsm_initramfs_populated", "bpf_lsm_bdev_alloc_security", "bpf_lsm_bdev_free_security",
    "bpf_lsm_bdev_setintegrity",
};

// Hooks whose return value or output a program could not get right: "points to disabled hook".
inline constexpr std::string_view kDisabledLsmHooks[] = {
    "bpf_lsm_vm_enough_memory", "bpf_lsm_inode_need_killpriv", "bpf_lsm_inode_getsecurity",
    "bpf_lsm_inode_listsecurity", "bpf_lsm_inode_copy_up_xattr", "bpf_lsm_getselfattr",
    "bpf_lsm_getprocattr", "bpf_lsm_setprocattr", "bpf_lsm_key_getsecurity", "bpf_lsm_audit_rule_match",
    "bpf_lsm_xfrm_decode_session", "bpf_lsm_ismaclabel",
};

// Hooks that sleepable programs may attach to.
inline constexpr std::string_view kSleepableLsmHooks[] = {
    "bpf_lsm_bpf", "bpf_lsm_bpf_map", "bpf_lsm_bpf_map_create", "bpf_lsm_bpf_map_free", "bpf_lsm_bpf_prog",
    "bpf_lsm_bpf_prog_load", "bpf_lsm_bpf_token_create", "bpf_lsm_bpf_token_free", "bpf_lsm_bpf_token_cmd",
    "bpf_lsm_bpf_token_capable", "bpf_lsm_bprm_check_security", "bpf_lsm_bprm_committed_creds",
    "bpf_lsm_bprm_committing_creds", "bpf_lsm_bprm_creds_for_exec", "bpf_lsm_bprm_creds_from_file",
    "bpf_lsm_capget", "bpf_lsm_capset", "bpf_lsm_cred_prepare", "bpf_lsm_file_ioctl", "bpf_lsm_file_lock",
    "bpf_lsm_file_open", "bpf_lsm_file_post_open", "bpf_lsm_file_receive", "bpf_lsm_inode_create",
    "bpf_lsm_inode_free_security", "bpf_lsm_inode_getattr", "bpf_lsm_inode_getxattr", "bpf_lsm_inode_mknod",
    "bpf_lsm_inode_need_killpriv", "bpf_lsm_inode_post_setxattr", "bpf_lsm_inode_readlink",
    "bpf_lsm_inode_rename", "bpf_lsm_inode_rmdir", "bpf_lsm_inode_setattr", "bpf_lsm_inode_setxattr",
    "bpf_lsm_inode_symlink", "bpf_lsm_inode_unlink", "bpf_lsm_kernel_module_request",
    "bpf_lsm_kernel_read_file", "bpf_lsm_kernfs_init_security", "bpf_lsm_path_unlink", "bpf_lsm_path_mkdir",
    "bpf_lsm_path_rmdir", "bpf_lsm_path_truncate", "bpf_lsm_path_symlink", "bpf_lsm_path_link",
    "bpf_lsm_path_rename", "bpf_lsm_path_chmod", "bpf_lsm_path_chown", "bpf_lsm_mmap_file",
    "bpf_lsm_netlink_send", "bpf_lsm_path_notify", "bpf_lsm_release_secctx", "bpf_lsm_sb_alloc_security",
    "bpf_lsm_sb_eat_lsm_opts", "bpf_lsm_sb_kern_mount", "bpf_lsm_sb_mount", "bpf_lsm_sb_remount",
    "bpf_lsm_sb_set_mnt_opts", "bpf_lsm_sb_show_options", "bpf_lsm_sb_statfs", "bpf_lsm_sb_umount",
    "bpf_lsm_settime", "bpf_lsm_socket_accept", "bpf_lsm_socket_bind", "bpf_lsm_socket_connect",
    "bpf_lsm_socket_create", "bpf_lsm_socket_getpeername", "bpf_lsm_socket_getpeersec_dgram",
    "bpf_lsm_socket_getsockname", "bpf_lsm_socket_getsockopt", "bpf_lsm_socket_listen",
    "bpf_lsm_socket_post_create", "bpf_lsm_socket_recvmsg", "bpf_lsm_socket_sendmsg",
    "bpf_lsm_socket_shutdown", "bpf_lsm_socket_socketpair", "bpf_lsm_syslog", "bpf_lsm_task_alloc",
    "bpf_lsm_current_getsecid_subj", "bpf_lsm_task_getsecid_obj", "bpf_lsm_task_prctl",
    "bpf_lsm_task_setscheduler", "bpf_lsm_userns_create",
};

// Hooks whose arguments are not trusted pointers: the object is being made or freed.
inline constexpr std::string_view kUntrustedLsmHooks[] = {
    "bpf_lsm_bpf_map_free", "bpf_lsm_bpf_prog_free", "bpf_lsm_file_alloc_security",
    "bpf_lsm_file_free_security", "bpf_lsm_sk_alloc_security", "bpf_lsm_sk_free_security",
    "bpf_lsm_task_free",
};

// Hooks that return 0 or 1; all others that return a value: 0 or a negative errno.
inline constexpr std::string_view kBoolLsmHooks[] = {
    "bpf_lsm_xfrm_state_pol_flow_match", "bpf_lsm_audit_rule_known", "bpf_lsm_inode_xattr_skipcap",
};

// Control-group programs here run for the current task's group, whatever the arguments are.
inline constexpr std::string_view kCurrentCgroupLsmHooks[] = {
    "bpf_lsm_sk_alloc_security", "bpf_lsm_sk_free_security",
};

// Hooks where the socket is locked: socket options may be set.
inline constexpr std::string_view kLockedSockoptLsmHooks[] = {
    "bpf_lsm_sock_graft", "bpf_lsm_inet_csk_clone", "bpf_lsm_inet_conn_established",
};

// Hooks where the socket is too young to need its lock: socket options may be set.
inline constexpr std::string_view kUnlockedSockoptLsmHooks[] = {
    "bpf_lsm_socket_post_create", "bpf_lsm_socket_socketpair",
};

}  // namespace osmia::contract
