// A word at a time; what ss abbreviates ("*" for the dual-stack any address, "%dev") is spelled out here.
#include "host/socket_text.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace osmia::host {
namespace {

struct Name {
  std::string_view word;
  u32 value;
};
constexpr Name kStates[] = {{"ESTAB", 1},      {"SYN-SENT", 2},  {"SYN-RECV", 3}, {"FIN-WAIT-1", 4},
                            {"FIN-WAIT-2", 5}, {"TIME-WAIT", 6}, {"UNCONN", 7},   {"CLOSE-WAIT", 8},
                            {"LAST-ACK", 9},   {"LISTEN", 10},   {"CLOSING", 11}};

bool number(std::string_view text, u64& out, int base = 10) {
  if (base == 16 && text.starts_with("0x")) text.remove_prefix(2);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end == text.data() + text.size();
}

// "10.0.0.1:80", "10.0.0.1%lo:80", "[::1]:80", "*:80", "0.0.0.0:*".
bool endpoint(std::string_view text, SocketFacts& f, SocketAddress& address, u16& port) {
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return false;
  const std::string_view port_text = text.substr(colon + 1);
  std::string host(text.substr(0, colon));
  u64 n = 0;
  if (port_text != "*" && (!number(port_text, n) || n > 0xffff)) return false;
  port = static_cast<u16>(n);
  if (const size_t percent = host.find('%'); percent != host.npos) {
    std::string device = host.substr(percent + 1);
    if (device.ends_with(']')) device.pop_back();
    u64 index = 0;
    f.device = number(device, index) ? static_cast<u32>(index)
               : device == "lo"      ? 1
                                     : if_nametoindex(device.c_str());
    if (!f.device) return false;
    host.erase(percent);
  }
  if (host == "*") {
    f.family = kFamilyInet6;
    return true;
  }
  if (host.starts_with('[')) {
    host.erase(0, 1);
    if (host.ends_with(']')) host.pop_back();
    f.family = kFamilyInet6;
    return inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
  }
  return inet_pton(AF_INET, host.c_str(), address.data()) == 1;
}

struct Counter {
  std::string_view word;
  u32 bpf_tcp_sock::*field;
};
constexpr Counter kCounters[] = {{"cwnd:", &bpf_tcp_sock::snd_cwnd},
                                 {"ssthresh:", &bpf_tcp_sock::snd_ssthresh},
                                 {"mss:", &bpf_tcp_sock::mss_cache},
                                 {"segs_in:", &bpf_tcp_sock::segs_in},
                                 {"segs_out:", &bpf_tcp_sock::segs_out},
                                 {"data_segs_in:", &bpf_tcp_sock::data_segs_in},
                                 {"data_segs_out:", &bpf_tcp_sock::data_segs_out},
                                 {"unacked:", &bpf_tcp_sock::packets_out},
                                 {"lost:", &bpf_tcp_sock::lost_out},
                                 {"sacked:", &bpf_tcp_sock::sacked_out},
                                 {"delivered:", &bpf_tcp_sock::delivered},
                                 {"delivered_ce:", &bpf_tcp_sock::delivered_ce},
                                 {"dsack_dups:", &bpf_tcp_sock::dsack_dups}};

// Milliseconds as ss prints them, in microseconds.
u32 microseconds(std::string_view text) {
  double ms = 0;
  std::from_chars(text.data(), text.data() + text.size(), ms);
  return ms > 0 && ms < 4e6 ? static_cast<u32>(std::lround(ms * 1000)) : 0;
}

// False: a word that is taken has a value that is none.
bool take_word(std::string_view word, SocketFacts& f) {
  const auto value_of = [&](std::string_view key, auto& to, int base = 10) {
    u64 n = 0;
    if (!number(word.substr(key.size()), n, base)) return false;
    to = static_cast<std::remove_reference_t<decltype(to)>>(n);
    return true;
  };
  if (word.starts_with("uid:")) return value_of("uid:", f.uid);
  if (word.starts_with("sk:")) return value_of("sk:", f.cookie, 16);
  if (word.starts_with("fwmark:")) return value_of("fwmark:", f.mark, 16);
  if (word.starts_with("class_id:")) return value_of("class_id:", f.priority, 16);
  if (word.starts_with("v6only:")) return value_of("v6only:", f.ipv6_only);
  if (word.starts_with("bytes_acked:")) return value_of("bytes_acked:", f.tcp.bytes_acked);
  if (word.starts_with("bytes_received:")) return value_of("bytes_received:", f.tcp.bytes_received);
  if (word.starts_with("rtt:")) f.tcp.srtt_us = microseconds(word.substr(4, word.find('/') - 4)) << 3;
  if (word.starts_with("minrtt:")) f.tcp.rtt_min = microseconds(word.substr(7));
  for (const Counter& c : kCounters)
    if (word.starts_with(c.word)) return value_of(c.word, f.tcp.*c.field);
  return true;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  constexpr std::string_view kSpace = " \t\r";
  for (size_t at = line.find_first_not_of(kSpace); at != line.npos;) {
    const size_t end = std::min(line.find_first_of(kSpace, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(kSpace, end);
  }
  return words;
}

// Nothing: understood. Else what was expected.
std::string_view socket_line(const std::vector<std::string_view>& w, SocketFacts& f) {
  constexpr size_t kColumns = 6;
  if (w[0] != "tcp" && w[0] != "udp") return "expected tcp or udp";
  if (w.size() < kColumns) return "expected: tcp|udp STATE RECV-Q SEND-Q LOCAL:PORT PEER:PORT";
  f.protocol = w[0] == "tcp" ? kProtocolTcp : kProtocolUdp;
  f.state = 0;
  for (const Name& s : kStates)
    if (s.word == w[1]) f.state = s.value;
  if (!f.state) return "expected a state as ss prints it: LISTEN, ESTAB, UNCONN, TIME-WAIT …";
  if (!endpoint(w[4], f, f.local, f.local_port)) return "expected ADDRESS:PORT as local address";
  SocketFacts peer;
  if (!endpoint(w[5], peer, f.remote, f.remote_port)) return "expected ADDRESS:PORT as peer address";
  for (size_t i = kColumns; i < w.size(); i++)
    if (!take_word(w[i], f)) return "expected a number behind the colon of a word";
  return {};
}

}  // namespace

Result<std::shared_ptr<const SocketList>> parse_sockets(std::string_view text) {
  auto list = std::make_shared<SocketList>();
  constexpr u64 kFirstCookie = 1ull << 62;  // of sockets that are given without one
  for (u32 line_number = 1; !text.empty(); line_number++) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto words = words_of(line);
    if (words.empty() || words[0].starts_with('#') || words[0] == "Netid") continue;
    const auto wrong = [&](std::string_view what) {
      return Error{EINVAL, "line " + std::to_string(line_number) + ": " + std::string(what) + ", found '" +
                               std::string(line.substr(0, 80)) + "'"};
    };
    if ((line[0] == ' ' || line[0] == '\t') && !list->sockets.empty()) {
      for (const auto word : words)
        if (!take_word(word, list->sockets.back()))
          return wrong("expected a number behind the colon of a word");
      continue;
    }
    SocketFacts f;
    f.cookie = kFirstCookie + list->sockets.size();
    if (const auto what = socket_line(words, f); !what.empty()) return wrong(what);
    list->sockets.push_back(f);
  }
  return std::shared_ptr<const SocketList>(std::move(list));
}

}  // namespace osmia::host
