#!/bin/bash
# Takes http_dns.pcap anew: real HTTP and DNS over the loopback device of a network namespace of its own, so that
# nothing leaves or enters it. Needs root and Debian's tcpdump, curl, python3, dnsmasq-base, bind9-dnsutils, iproute2,
# ethtool. Packets are kept at Ethernet size (MTU 1500, no segmentation offload), as they would be on a wire.
set -euo pipefail
if [ "${1:-}" != inside ]; then exec unshare --net --mount "$0" inside "$(realpath "${1:-http_dns.pcap}")"; fi
out=$2
work=$(mktemp -d)
children=()
trap 'kill "${children[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT

ip link set lo mtu 1500 up
ethtool -K lo tso off gso off gro off tx off rx off >/dev/null 2>&1 || true
mkdir "$work/www"
for size in 64 700 1460 6000 20000; do head -c $size /dev/urandom | base64 -w0 | head -c $size >"$work/www/$size.txt"; done
printf '<!doctype html><title>Osmia</title><p>A solitary bee.\n' >"$work/www/index.html"

cd "$work/www"
for port in 8080 8081; do
  python3 -m http.server --bind :: $port >/dev/null 2>&1 & children+=($!)
done
for port in 53 5353; do
  dnsmasq --keep-in-foreground --no-resolv --no-hosts --no-daemon --port=$port --user=root --pid-file="$work/$port.pid" \
    --address=/www.example.test/192.0.2.80 --address=/www.example.test/2001:db8::80 --local=/test/ \
    --txt-record=txt.example.test,"v=osmia1 a solitary bee" --mx-host=example.test,mail.example.test,10 \
    >/dev/null 2>&1 & children+=($!)
done
sleep 1
tcpdump -i lo --immediate-mode -w "$work/out.pcap" >/dev/null 2>&1 & dump=$!; children+=($dump)
sleep 1

for host in 127.0.0.1 '[::1]'; do
  for path in "" 64.txt 700.txt 1460.txt 6000.txt 20000.txt no-such-page; do
    curl -s -o /dev/null "http://$host:8080/$path"
  done
  curl -s -o /dev/null --head "http://$host:8080/6000.txt"
  curl -s -o /dev/null --data-binary @700.txt "http://$host:8080/"   # 501: this server takes no POST
  curl -s -o /dev/null "http://$host:8081/" || true
done
curl -s -o /dev/null -m 2 "http://127.0.0.1:8082/" || true             # nobody listens: SYN, RST
for server in 127.0.0.1 ::1; do
  for query in "www.example.test A" "www.example.test AAAA" "txt.example.test TXT" "example.test MX" "none.test A"; do
    dig +tries=1 +time=1 @$server $query >/dev/null || true
  done
  dig +tcp +tries=1 +time=1 @$server www.example.test A >/dev/null || true
  dig +tries=1 +time=1 -p 5353 @$server www.example.test A >/dev/null || true
done
sleep 1
kill -INT $dump; wait $dump || true
cp "$work/out.pcap" "$out"
