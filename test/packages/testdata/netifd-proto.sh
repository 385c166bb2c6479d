# Plays OpenWrt's netifd for a protocol handler: what it is told is a line of /tmp/netifd.log. The options of
# the interface are shell variables in /tmp/netifd.conf.

tell() { echo "$*" >>/tmp/netifd.log; }

init_proto() { command=$2 interface=$3 device=$4; }
add_protocol() {
	if [ "$command" = dump ]; then
		"proto_$1_init_config"
		tell "protocol $1"
	else
		"proto_$1_$command" "$interface" "$device"
	fi
}

proto_config_add_string() { tell "option $1"; }
proto_config_add_int() { tell "option $1"; }
proto_config_add_defaults() { :; }
json_get_vars() {
	. /tmp/netifd.conf
}

proto_export() { export "$1"; }
proto_run_command() {
	shift
	tell "run $*"
	# netifd has the program's output logged.
	"$@" >>/tmp/client.log 2>&1 &
	echo $! >/tmp/client.pid
}
proto_kill_command() { kill "$(cat /tmp/client.pid)"; }
proto_notify_error() { tell "error $2"; }
proto_block_restart() { tell "no restart"; }

proto_init_update() { update="device $1 up $2"; }
proto_set_keep() { :; }
proto_add_ipv4_address() { update="$update address $1/$2 peer $4"; }
proto_add_ipv6_address() { update="$update address $1/$2"; }
proto_add_ipv4_route() { update="$update route $1/$2 via $3"; }
proto_add_dns_server() { update="$update dns $1"; }
proto_send_update() { tell "$1: $update"; }
