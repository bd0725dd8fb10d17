# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/cli/lib.sh - what the suites of the programs as a user runs them are
# written with; names as in tests/vm/lib.sh
#
#	. "$(dirname "$0")/lib.sh"
#
#	check NAME COMMAND...		a test: COMMAND has to succeed
#	fails NAME COMMAND...		a test: it has to fail, by no signal
#	exits NAME STATUS COMMAND...	a test: it has to exit so
#	is NAME GOT WANT		a test: two strings are the same
#	says NAME REGEX, tells NAME REGEX
#					a test: the last command wrote REGEX
#					on standard output, on standard error
#	skip NAME REASON		a test that cannot run here
#	done_testing			the last line of a suite
#
#	m ARGUMENT...			meshapply; what it wrote is in $out
#					and $err after any of the above
#
# A suite runs in network and mount namespaces of its own, by somebody who is
# not root in a user namespace as well. Whatever a command writes is searched
# for the private and preshared keys of the suites and for what the sanitizers
# say: each such finding is a failed test.

cli_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [ -z "${CLI_INSIDE-}" ]; then
	export CLI_INSIDE=root
	cli_unshare=(unshare --net --mount --propagation private)
	if [ "$(id -u)" -ne 0 ]; then
		CLI_INSIDE=user
		cli_unshare+=(--user --map-root-user)
	fi
	exec timeout --foreground 900 "${cli_unshare[@]}" bash "$0" "$@"
fi

build=${MESHAPPLY_BUILD:-$(cd "$cli_here/../.." && pwd)/build}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/meshapply-cli.XXXXXX")
# Other users' runs get at what lies in there.
chmod 755 "$scratch"
out=$scratch/.out err=$scratch/.err
cd "$scratch" || exit 1
ip link set lo up
# The machine's own meshes are none of a suite's business.
for cli_own in /run/meshapply /var/lib/meshapply /etc/meshapply; do
	[ ! -d $cli_own ] || mount -t tmpfs -o mode=755 none $cli_own
done
umask 077

export ASAN_OPTIONS=exitcode=99${ASAN_OPTIONS+:$ASAN_OPTIONS}
export UBSAN_OPTIONS=exitcode=99:print_stacktrace=1
unset NO_COLOR CREDENTIALS_DIRECTORY
export LC_ALL=C.UTF-8

# A name alone is looked for in a folder that only root may look into.
bare=66
# shellcheck disable=SC2034 # for the suites
[ ! -e /etc/wireguard ] || [ -x /etc/wireguard ] || bare=77

m() {
	timeout 60 "$build/meshapply" "$@"
}

### Keys: what must never be seen again

key_a=GP9GfKGLrNorRwY+/SkmKFiQXXmnQa09f8uXsOW0w04=
key_b=INavwfU1QAYYVLaf/iIspXi30YSLSxdG/RtUyf1TWmQ=
key_short=SBOhEbHEogX4Hdh5eRiWiBw/NoKYjqmR0JYfivL1WGM
psk_a=GZX6ZpNtsMBFIEKhEEEddRgJwXciLXku9r03KpXvLA8=
# Without the end of each, as a broken one may be shown, and its middle.
cli_secrets=$scratch/.secrets
for cli_key in "$key_a" "$key_b" "$key_short" "$psk_a"; do
	printf '%s\n%s\n' "${cli_key:0:20}" "${cli_key:20:16}"
done >"$cli_secrets"

# Public ones, of peers.
pub_1=0n2w5tH9jJOxm8PE4JY2+5u0SBGHEoMhmfsDDBFfuVA=
pub_2=qyzCzfNepnhO2exVcmdDvTv0pmxrgTUv2LSMJWxbkEo=
# shellcheck disable=SC2034 # for the suites
pub_3=pNy4JcQtnVU9zzYH/fcr6ziA9rnz88ZmwoNw2gj3AFA=

# quick NAME: a good wg-quick file.
quick() {
	cat >"$1" <<-END
	[Interface]
	PrivateKey = $key_a
	Address = 10.8.0.1/24, fd08::1/64
	ListenPort = 51820

	[Peer]
	PublicKey = $pub_1
	PresharedKey = $psk_a
	AllowedIPs = 10.8.0.2/32, 192.168.7.0/24
	Endpoint = 192.0.2.1:51820

	[Peer]
	PublicKey = $pub_2
	AllowedIPs = 10.8.0.3/32
	PersistentKeepalive = 25
	END
}

# folder DIR: the three texts, for the mesh office on wg7.
folder() {
	mkdir -p "$1"
	cat >"$1/wireguard.conf" <<-END
	#@ mesh office
	#@ interface wg7
	#@ private-key-file wg7.key
	[Interface]
	Address = 10.7.0.1/24
	ListenPort = 51877
	MTU = 1420
	Table = off

	#@ name berlin
	[Peer]
	PublicKey = $pub_1
	AllowedIPs = 10.7.0.2/32
	Endpoint = 192.0.2.7:51820
	END
	cat >"$1/network.batch" <<-END
	route replace 10.77.0.0/16 dev wg7 proto 77
	rule add from 10.7.0.0/24 table 77 priority 1000 protocol 77
	END
	cat >"$1/firewall.nft" <<-'END'
	define lan = 10.7.0.0/24
	table inet meshapply_office {
		set known {
			type ipv4_addr
			elements = { 10.7.0.2, 10.7.0.3 }
		}
		chain forward_mesh {
			type filter hook forward priority filter; policy accept;
			iifname "wg7" ip saddr != $lan drop
			ip saddr @known counter accept
		}
	}
	END
}

# header WHAT [BOOT] [NAMESPACE]: the first line of a record that is kept.
header() {
	echo "meshapply 1 $1 boot=${2-$(</proc/sys/kernel/random/boot_id)}" \
		"netns=${3-$(stat -Lc %i /proc/self/ns/net)}"
}

# kept ROOT MESH: what a run leaves of what it applied.
kept() {
	local state=$1/var/lib/meshapply/$2 file

	mkdir -p "$1/run/meshapply/$2"
	folder "$state/applied"
	sed -i "s/office/$2/" "$state"/applied/*
	{
		header files
		for file in wireguard.conf network.batch firewall.nft; do
			echo "file path=applied/$file digest=$(b2sum -l 256 \
				"$state/applied/$file" | cut -d' ' -f1)"
		done
	} >"$state/files"
}

### TAP

tap_count=0
tap_failed=0
tap_skipped=0
tap_done=
tap_status=0

tap_result() {
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $2"
	fi
}

# clean NAME FILE...: a failed test for what must never be in an output.
clean() {
	local name=$1 found=
	shift
	if grep -qaF -f "$cli_secrets" "$@"; then
		found="tells a secret"
	elif grep -qaE 'runtime error:|Sanitizer|DEADLYSIGNAL' "$@"; then
		found="is found at fault by a sanitizer"
	else
		return 0
	fi
	tap_result 1 "$name: the output $found"
	cat "$@" | head -c 4000 | sed 's/^/#   /'
}

# Standard input is that of the caller.
tap_run() {
	if { "$@" >"$out" 2>"$err"; } 2>/dev/null; then
		tap_status=0
	else
		tap_status=$?
	fi
}

tap_show() {
	echo "#   exit status $tap_status of: $*" | head -c 300
	echo
	head -c 4000 "$out" "$err" | sed 's/^/#   /'
}

check() {
	local name=$1
	shift
	exits "$name" 0 "$@"
}

fails() {
	local name=$1 status=0
	shift
	tap_run "$@"
	[ "$tap_status" -gt 0 ] && [ "$tap_status" -lt 99 ] || status=1
	tap_result $status "$name"
	[ $status -eq 0 ] || tap_show "$@"
	clean "$name" "$out" "$err"
}

exits() {
	local name=$1 want=$2 status=0
	shift 2
	tap_run "$@"
	[ "$tap_status" -eq "$want" ] || status=1
	tap_result $status "$name"
	[ $status -eq 0 ] || tap_show "$@"
	clean "$name" "$out" "$err"
}

is() {
	if [ "$2" = "$3" ]; then
		tap_result 0 "$1"
		return
	fi
	tap_result 1 "$1"
	printf '#    got: %s\n#   want: %s\n' \
		"${2//$'\n'/$'\n'#         }" "${3//$'\n'/$'\n'#         }"
}

cli_wrote() {
	local status=0

	grep -qaE -e "$3" "$1" || status=1
	tap_result $status "$2"
	[ $status -eq 0 ] || {
		echo "#   not there: $3"
		head -c 2000 "$1" | sed 's/^/#   /'
	}
}

says() {
	cli_wrote "$out" "$@"
}

tells() {
	cli_wrote "$err" "$@"
}

skip() {
	local reason=${2:?skip wants a reason}

	tap_skipped=$((tap_skipped + 1))
	tap_result 0 "$1 # SKIP $reason"
}

done_testing() {
	tap_done=1
	echo "1..$tap_count"
	[ $tap_skipped -eq 0 ] || echo "# $tap_skipped skipped"
	if [ $tap_count -eq 0 ]; then
		echo '# no test has run'
		exit 1
	fi
	[ $tap_failed -eq 0 ] || {
		echo "# $tap_failed of $tap_count failed"
		exit 1
	}
	exit 0
}

# A suite that stops half way has not passed, whatever its exit status.
tap_exit() {
	local status=$?

	cd /
	rm -rf "$scratch"
	[ -z "$tap_done" ] || exit "$status"
	echo "Bail out! the suite ended early, exit status $status"
	[ "$status" -ne 0 ] || status=1
	exit "$status"
}
trap tap_exit EXIT
