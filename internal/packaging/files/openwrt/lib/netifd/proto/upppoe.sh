#!/bin/sh
# Protocol handler of netifd: `option proto 'upppoe'` in /etc/config/network. Its options are those of
# proto pppoe, as far as they have a meaning here.

[ -n "$INCLUDE_ONLY" ] || {
	. /lib/functions.sh
	. ../netifd-proto.sh
	init_proto "$@"
}

proto_upppoe_init_config() {
	proto_config_add_string username
	proto_config_add_string password
	proto_config_add_string ac
	proto_config_add_string service
	proto_config_add_string host_uniq
	proto_config_add_string vlan
	proto_config_add_string datapath
	proto_config_add_string keepalive
	proto_config_add_string ipv6
	proto_config_add_int mtu
	proto_config_add_string pppd_options
	proto_config_add_defaults
	available=1
}

# Sets the echoes of `keepalive FAILURES INTERVAL` or FAILURES,INTERVAL.
upppoe_keepalive() {
	local failures interval
	failures=${1%%[, ]*}
	interval=${1##*[, ]}
	[ "$interval" != "$1" ] || interval=5
	[ "${failures:-0}" -gt 0 ] && echo "lcp-echo-failure $failures lcp-echo-interval $interval"
}

proto_upppoe_setup() {
	local config="$1" device="$2" username password ac service host_uniq vlan datapath keepalive ipv6 mtu pppd_options
	json_get_vars username password ac service host_uniq vlan datapath keepalive ipv6 mtu pppd_options
	[ -n "$device" ] || {
		proto_notify_error "$config" NO_DEVICE
		proto_block_restart "$config"
		return 1
	}
	ip link set dev "$device" up
	# The words of a name may be any; the password is not in the list of processes.
	set -- "nic-$device" nodetach noauth persist maxfail 1 ifname "pppoe-$config" ipparam "$config" \
		nodefaultroute usepeerdns linkname "upppoe-$config" \
		ip-up-script /lib/netifd/upppoe-up ipv6-up-script /lib/netifd/upppoe-up ip-down-script /lib/netifd/upppoe-down
	[ -z "$username" ] || set -- "$@" user "$username"
	[ -z "$password" ] || proto_export "PPPOE_PASSWORD=$password"
	[ -z "$ac" ] || set -- "$@" pppoe-ac "$ac"
	[ -z "$service" ] || set -- "$@" pppoe-service "$service"
	[ -z "$host_uniq" ] || set -- "$@" host-uniq "$host_uniq"
	[ -z "$vlan" ] || set -- "$@" vlan "$vlan"
	[ -z "$datapath" ] || set -- "$@" datapath "$datapath"
	[ -z "$mtu" ] || set -- "$@" mtu "$mtu" mru "$mtu"
	[ "$ipv6" != 0 ] || set -- "$@" noipv6
	proto_run_command "$config" /usr/sbin/pppoe-client "$@" $(upppoe_keepalive "${keepalive:-5,1}") $pppd_options
}

proto_upppoe_teardown() {
	local config="$1"
	# The exit code is pppd's: it says what a further attempt is for.
	case "$ERROR" in
	19) proto_notify_error "$config" AUTH_FAILED ;;
	2) proto_notify_error "$config" INVALID_OPTIONS; proto_block_restart "$config" ;;
	8) proto_notify_error "$config" NO_CONCENTRATOR ;;
	esac
	proto_kill_command "$config"
}

[ -n "$INCLUDE_ONLY" ] || add_protocol upppoe
