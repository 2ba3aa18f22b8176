// The code behind helper rows, by family: r1..r5 in, r0 out, results and errnos as Linux 6.12 gives them.
// Rows name these functions; nothing else does. A helper row without code is one that cannot run in a
// process.
#pragma once
#include "base/types.h"

namespace osmia::helpers::code {

#define OSMIA_HELPER(name) u64 name(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)

// map_code.cpp
OSMIA_HELPER(map_lookup_elem);
OSMIA_HELPER(map_update_elem);
OSMIA_HELPER(map_delete_elem);
OSMIA_HELPER(map_push_elem);
OSMIA_HELPER(map_pop_elem);
OSMIA_HELPER(map_peek_elem);
OSMIA_HELPER(map_lookup_percpu_elem);
OSMIA_HELPER(for_each_map_elem);
OSMIA_HELPER(loop);
OSMIA_HELPER(spin_lock);
OSMIA_HELPER(spin_unlock);
// ringbuf_code.cpp
OSMIA_HELPER(ringbuf_output);
OSMIA_HELPER(ringbuf_reserve);
OSMIA_HELPER(ringbuf_submit);
OSMIA_HELPER(ringbuf_discard);
OSMIA_HELPER(ringbuf_query);
OSMIA_HELPER(ringbuf_reserve_dynptr);
OSMIA_HELPER(ringbuf_submit_dynptr);
OSMIA_HELPER(ringbuf_discard_dynptr);
OSMIA_HELPER(user_ringbuf_drain);
// timer_code.cpp
OSMIA_HELPER(timer_init);
OSMIA_HELPER(timer_set_callback);
OSMIA_HELPER(timer_start);
OSMIA_HELPER(timer_cancel);
// stack_code.cpp
OSMIA_HELPER(get_stackid);
OSMIA_HELPER(get_stack);
OSMIA_HELPER(get_task_stack);
// system_code.cpp
OSMIA_HELPER(ktime_get_ns);
OSMIA_HELPER(ktime_get_boot_ns);
OSMIA_HELPER(ktime_get_coarse_ns);
OSMIA_HELPER(ktime_get_tai_ns);
OSMIA_HELPER(jiffies64);
OSMIA_HELPER(get_prandom_u32);
OSMIA_HELPER(get_smp_processor_id);
OSMIA_HELPER(get_numa_node_id);
OSMIA_HELPER(get_current_pid_tgid);
OSMIA_HELPER(get_current_uid_gid);
OSMIA_HELPER(get_current_comm);
// cgroup_id_code.cpp
OSMIA_HELPER(sk_cgroup_id);
OSMIA_HELPER(sk_ancestor_cgroup_id);
OSMIA_HELPER(skb_cgroup_id);
OSMIA_HELPER(skb_ancestor_cgroup_id);
OSMIA_HELPER(skb_under_cgroup);
// syncookie_code.cpp
OSMIA_HELPER(raw_gen_syncookie_ipv4);
OSMIA_HELPER(raw_gen_syncookie_ipv6);
OSMIA_HELPER(raw_check_syncookie_ipv4);
OSMIA_HELPER(raw_check_syncookie_ipv6);
OSMIA_HELPER(tcp_check_syncookie);
OSMIA_HELPER(tcp_gen_syncookie);
// signal_code.cpp
OSMIA_HELPER(send_signal);
OSMIA_HELPER(send_signal_thread);
OSMIA_HELPER(probe_write_user);
OSMIA_HELPER(copy_from_user_task);
OSMIA_HELPER(get_attach_cookie);
OSMIA_HELPER(get_branch_snapshot);
// attach_point_code.cpp
OSMIA_HELPER(get_func_arg);
OSMIA_HELPER(get_func_ret);
OSMIA_HELPER(get_func_arg_cnt);
OSMIA_HELPER(get_func_ip_tracing);
OSMIA_HELPER(get_func_ip_probe);
OSMIA_HELPER(override_return);
// kptr_code.cpp
OSMIA_HELPER(kptr_xchg);
OSMIA_HELPER(this_cpu_object);  // per-CPU objects of programs
OSMIA_HELPER(per_cpu_object);
// show_code.cpp
OSMIA_HELPER(snprintf_btf);
// memory_area_code.cpp
OSMIA_HELPER(find_vma);
// task_code.cpp
OSMIA_HELPER(get_current_task);
OSMIA_HELPER(task_pt_regs);
OSMIA_HELPER(get_ns_current_pid_tgid);
OSMIA_HELPER(get_current_cgroup_id);
OSMIA_HELPER(get_current_ancestor_cgroup_id);
OSMIA_HELPER(current_task_under_cgroup);
// object_storage_code.cpp
OSMIA_HELPER(task_storage_get);
OSMIA_HELPER(task_storage_delete);
OSMIA_HELPER(cgrp_storage_get);
OSMIA_HELPER(cgrp_storage_delete);
OSMIA_HELPER(inode_storage_get);
OSMIA_HELPER(inode_storage_delete);
// perf_code.cpp
OSMIA_HELPER(perf_event_read);
OSMIA_HELPER(perf_event_read_value);
// syscall_code.cpp
OSMIA_HELPER(sys_bpf);
OSMIA_HELPER(sys_close);
OSMIA_HELPER(btf_find_by_name_kind);
OSMIA_HELPER(kallsyms_lookup_name);
// memory_code.cpp
OSMIA_HELPER(probe_read);
OSMIA_HELPER(probe_read_str);
OSMIA_HELPER(probe_read_kernel);
OSMIA_HELPER(probe_read_kernel_str);
OSMIA_HELPER(copy_from_user);
OSMIA_HELPER(strncmp);
OSMIA_HELPER(strtol);
OSMIA_HELPER(strtoul);
OSMIA_HELPER(dynptr_from_mem);
OSMIA_HELPER(dynptr_read);
OSMIA_HELPER(dynptr_write);
OSMIA_HELPER(dynptr_data);
// print_code.cpp
OSMIA_HELPER(plain_event_output);
OSMIA_HELPER(trace_printk);
OSMIA_HELPER(trace_vprintk);
OSMIA_HELPER(snprintf);
// seq_code.cpp
OSMIA_HELPER(seq_printf);
OSMIA_HELPER(seq_write);
OSMIA_HELPER(seq_printf_btf);
// file_code.cpp
OSMIA_HELPER(d_path);
// checksum_code.cpp
OSMIA_HELPER(csum_diff);
OSMIA_HELPER(csum_update);
OSMIA_HELPER(csum_level);
OSMIA_HELPER(l3_csum_replace);
OSMIA_HELPER(l4_csum_replace);
// xdp_code.cpp
OSMIA_HELPER(xdp_adjust_head);
OSMIA_HELPER(xdp_adjust_meta);
OSMIA_HELPER(xdp_adjust_tail);
OSMIA_HELPER(xdp_get_buff_len);
OSMIA_HELPER(xdp_load_bytes);
OSMIA_HELPER(xdp_store_bytes);
OSMIA_HELPER(xdp_redirect);
OSMIA_HELPER(xdp_redirect_map);
OSMIA_HELPER(xdp_event_output);
// skb_code.cpp
OSMIA_HELPER(skb_load_packet);  // LD_ABS and LD_IND: (ctx, offset, bytes) -> value in host order, or negative
OSMIA_HELPER(skb_load_bytes);
OSMIA_HELPER(flow_load_bytes);
OSMIA_HELPER(skb_load_bytes_relative);
OSMIA_HELPER(skb_store_bytes);
OSMIA_HELPER(skb_pull_data);
OSMIA_HELPER(skb_change_tail);
OSMIA_HELPER(skb_change_head);
OSMIA_HELPER(skb_change_type);
OSMIA_HELPER(skb_vlan_push);
OSMIA_HELPER(skb_vlan_pop);
OSMIA_HELPER(skb_set_hash);
OSMIA_HELPER(skb_set_hash_invalid);
OSMIA_HELPER(skb_redirect);
OSMIA_HELPER(skb_event_output);

// skb_room_code.cpp
OSMIA_HELPER(skb_adjust_room);
OSMIA_HELPER(skb_change_proto);
OSMIA_HELPER(skb_ecn_set_ce);
// forward_code.cpp
OSMIA_HELPER(skb_clone_redirect);
OSMIA_HELPER(skb_redirect_peer);
OSMIA_HELPER(skb_redirect_neigh);
OSMIA_HELPER(skb_get_tunnel_key);
OSMIA_HELPER(skb_set_tunnel_key);
OSMIA_HELPER(skb_get_tunnel_opt);
OSMIA_HELPER(skb_set_tunnel_opt);
OSMIA_HELPER(skb_check_mtu);
OSMIA_HELPER(xdp_check_mtu);
OSMIA_HELPER(skb_set_tstamp);
OSMIA_HELPER(skb_get_hash_recalc);
OSMIA_HELPER(no_traffic_class);
// fib_code.cpp
OSMIA_HELPER(skb_fib_lookup);
OSMIA_HELPER(xdp_fib_lookup);

// socket_code.cpp
OSMIA_HELPER(sk_fullsock);
OSMIA_HELPER(tcp_sock);
OSMIA_HELPER(get_listener_sock);
OSMIA_HELPER(skc_cast);
OSMIA_HELPER(socket_cookie);
OSMIA_HELPER(skb_socket_cookie);
OSMIA_HELPER(skb_socket_uid);
OSMIA_HELPER(skb_assign_socket);
OSMIA_HELPER(lookup_assign_socket);
OSMIA_HELPER(skb_get_xfrm_state);
// socket_lookup_code.cpp
OSMIA_HELPER(skb_sk_lookup_tcp);
OSMIA_HELPER(skb_sk_lookup_udp);
OSMIA_HELPER(skb_skc_lookup_tcp);
OSMIA_HELPER(xdp_sk_lookup_tcp);
OSMIA_HELPER(xdp_sk_lookup_udp);
OSMIA_HELPER(xdp_skc_lookup_tcp);
OSMIA_HELPER(addr_sk_lookup_tcp);
OSMIA_HELPER(addr_sk_lookup_udp);
OSMIA_HELPER(addr_skc_lookup_tcp);
OSMIA_HELPER(sk_release);
// socket_redirect_code.cpp
OSMIA_HELPER(sk_redirect_map);
OSMIA_HELPER(sk_redirect_hash);
OSMIA_HELPER(msg_redirect_map);
OSMIA_HELPER(msg_redirect_hash);
OSMIA_HELPER(sk_select_reuseport);
OSMIA_HELPER(reuseport_load_bytes);
OSMIA_HELPER(reuseport_load_bytes_relative);
OSMIA_HELPER(stream_adjust_room);
// hook_code.cpp
OSMIA_HELPER(sk_setsockopt);
OSMIA_HELPER(sk_getsockopt);
OSMIA_HELPER(addr_setsockopt);
OSMIA_HELPER(addr_getsockopt);
OSMIA_HELPER(addr_bind);
OSMIA_HELPER(get_retval);
OSMIA_HELPER(set_retval);
OSMIA_HELPER(sysctl_get_name);
OSMIA_HELPER(sysctl_get_current_value);
OSMIA_HELPER(sysctl_get_new_value);
OSMIA_HELPER(sysctl_set_new_value);
// message_code.cpp
OSMIA_HELPER(msg_apply_bytes);
OSMIA_HELPER(msg_cork_bytes);
OSMIA_HELPER(msg_pull_data);
OSMIA_HELPER(msg_push_data);
OSMIA_HELPER(msg_pop_data);
// cgroup_storage_code.cpp
OSMIA_HELPER(get_local_storage);

// storage_code.cpp
OSMIA_HELPER(sk_storage_get);
OSMIA_HELPER(sk_storage_delete);

#undef OSMIA_HELPER

}  // namespace osmia::helpers::code
