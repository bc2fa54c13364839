// SPDX-License-Identifier: Apache-2.0
#include "tests/kill/namespaces.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "base/check.h"

namespace trident {
namespace {

// What the command says, if it fails.
Status Do(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return Internal("cannot run ", command);
  std::string said;
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) said.append(buffer, n);
  if (::pclose(pipe) == 0) return absl::OkStatus();
  return Internal(command, ": ", said);
}

}  // namespace

std::string Namespaces::FileOf(uint32_t machine) const { return "/run/netns/" + NameOf(machine); }

std::string Namespaces::AddressOf(uint32_t machine) { return Concat("10.77.0.", 10 + machine); }

StatusOr<Namespaces> Namespaces::Make(uint32_t machines) {
  Namespaces made(Concat("trident-", ::getpid()));
  TRIDENT_RETURN_IF_ERROR(made.Build(machines));
  return made;
}

Status Namespaces::Build(uint32_t machines) {
  const std::string hub = name_ + "-hub";
  TRIDENT_RETURN_IF_ERROR(Do("ip netns add " + hub));
  made_.push_back(hub);
  const std::string in_hub = "ip -n " + hub;
  TRIDENT_RETURN_IF_ERROR(Do(in_hub + " link add switch type bridge"));
  TRIDENT_RETURN_IF_ERROR(Do(in_hub + " link set switch up"));
  for (uint32_t machine = 0; machine < machines; ++machine) {
    const std::string name = NameOf(machine);
    TRIDENT_RETURN_IF_ERROR(Do("ip netns add " + name));
    made_.push_back(name);
    const std::string port = Concat("port", machine);
    TRIDENT_RETURN_IF_ERROR(
        Do(in_hub + " link add " + port + " type veth peer name eth0 netns " + name));
    TRIDENT_RETURN_IF_ERROR(Do(in_hub + " link set " + port + " master switch up"));
    TRIDENT_RETURN_IF_ERROR(
        Do("ip -n " + name + " addr add " + AddressOf(machine) + "/24 dev eth0"));
    TRIDENT_RETURN_IF_ERROR(Do("ip -n " + name + " link set eth0 up"));
    TRIDENT_RETURN_IF_ERROR(Do("ip -n " + name + " link set lo up"));
  }
  return Do("nft --version");
}

Namespaces::Namespaces(Namespaces&& other) noexcept
    : name_(std::move(other.name_)), made_(std::exchange(other.made_, {})) {}

Namespaces::~Namespaces() {
  for (const std::string& name : made_) {
    const Status gone = Do("ip netns del " + name);
    if (!gone.ok()) std::fprintf(stderr, "%s\n", std::string(Message(gone)).c_str());
  }
}

void Namespaces::Filter(uint32_t machine, const std::string& in, const std::string& out) {
  const std::string command = Concat(
      "ip netns exec ", NameOf(machine), " nft -f - <<'END'\ntable inet fault {\nchain in { type ",
      "filter hook input priority 0; ", in.empty() ? "" : "iif eth0 " + in,
      "\n}\nchain out { type ", "filter hook output priority 0; ",
      out.empty() ? "" : "oif eth0 " + out, "\n}\n}\nEND\n");
  TRIDENT_CHECK_OK(Do("(" + command + ")"));
}

void Namespaces::Cut(uint32_t machine, Way way) {
  Filter(machine, way == Way::kOut ? "" : "drop", way == Way::kIn ? "" : "drop");
}

void Namespaces::CutBetween(uint32_t machine, uint32_t other) {
  Filter(machine, "ip saddr " + AddressOf(other) + " drop",
         "ip daddr " + AddressOf(other) + " drop");
}

void Namespaces::Reset(uint32_t machine) {
  Filter(machine, "meta l4proto tcp reject with tcp reset", "");
}

void Namespaces::LosePackets(uint32_t machine, int percent) {
  const std::string some = Concat("numgen random mod 100 < ", percent, " drop");
  Filter(machine, some, some);
}

void Namespaces::Slow(uint32_t machine, const std::string& rate) {
  TRIDENT_CHECK_OK(Do(Concat("ip netns exec ", NameOf(machine), " tc qdisc add dev eth0 root tbf ",
                             "rate ", rate, " burst 16kbit latency 300ms")));
}

void Namespaces::Heal() {
  for (const std::string& name : made_) {
    if (name == made_.front()) continue;  // the switch
    TRIDENT_CHECK_OK(Do("ip netns exec " + name + " nft flush ruleset"));
    // There may be none.
    (void)Do("ip netns exec " + name + " tc qdisc del dev eth0 root");
  }
}

}  // namespace trident
