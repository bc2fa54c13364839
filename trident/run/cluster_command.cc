// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster_command.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/ports/listen_address.h"
#include "base/typed_number.h"
#include "trident/run/process_end.h"

namespace trident {
namespace {

constexpr uint64_t kWorkersMax = 64;
constexpr Nanos kProgressEvery = kSecond;

void AddSharedOptions(CLI::App& command, ClusterFlags& flags) {
  command.get_option("--state")->required();
  command
      .add_option("--workers", flags.workers,
                  "how many workers there are, the leader's among them; fixed when their "
                  "directories are made")
      ->type_name("NUMBER")
      ->required();
  command
      .add_option("--exchange-address", flags.exchange_address,
                  "HOST:PORT where this process listens for other workers; port 0: any free one")
      ->capture_default_str();
  command.add_option("--peer-host", flags.peer_host,
                     "HOST by which the other processes dial this one, if it is not that of its "
                     "addresses");
  command.add_option("--token-file", flags.token_file,
                     "a file with a secret that all processes of the topology have; needed where "
                     "they are on several machines");
  auto* cert = command.add_option("--peer-tls-cert", flags.tls.certificate,
                                  "certificate of this process for the other ones, a PEM file; "
                                  "needed where they are on several machines");
  auto* key = command.add_option("--peer-tls-key", flags.tls.key, "its private key, mode 0600");
  auto* ca = command.add_option("--peer-tls-ca", flags.tls.peer_ca,
                                "who signs the certificates of all processes");
  // Round, one each: of several, CLI11 names the one that stands first in memory.
  cert->needs(key);
  key->needs(ca);
  ca->needs(cert);
}

StatusOr<uint64_t> NumberOf(const char* option, const std::string& text, uint64_t least,
                            uint64_t most) {
  const StatusOr<uint64_t> number = ParseWholeNumber(text, least, most);
  if (!number.ok()) return InvalidArgument(option, ": ", Message(number.status()));
  return number;
}

StatusOr<std::string> ReadToken(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path, std::ios::binary);
  std::string token((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  if (!token.empty()) return token;
  return InvalidArgument("--token-file: expected a file with a secret in it, found ",
                         file.is_open() ? "an empty one" : "none", " at '", path, "'");
}

// The leader's line: how far the groups are.
std::string ProgressOf(const ClusterRun& run) {
  std::string line = run.Describe();
  for (const GroupId group : run.groups()) {
    const std::optional<GroupStatus> status = run.StatusOf(group);
    if (!status) continue;
    line += Concat("; ", run.groups().size() > 1 ? Concat("group ", group.value(), " ") : "",
                   "txid ", status->last_decided.value(), ", ", ToString(status->gate));
    if (status->failures_total > 0) line += Concat(", ", status->failures_total, " failures");
  }
  return line;
}

Health ReadyOf(const ClusterRun& run) {
  if (run.TakesPart()) return {};
  return {.ok = false, .why = "takes part in no epoch: " + run.Describe()};
}

}  // namespace

void AddLeadOptions(CLI::App& command, ClusterFlags& flags) {
  AddSharedOptions(command, flags);
  command
      .add_option("--peer-address", flags.peer_address,
                  "HOST:PORT where the workers find the leader; port 0: any free one")
      ->capture_default_str();
}

void AddWorkerOptions(CLI::App& command, ClusterFlags& flags) {
  AddSharedOptions(command, flags);
  command
      .add_option("--worker", flags.worker,
                  "which worker this is: 1, 2, ...; 0 leads, and listens at the port of --leader")
      ->type_name("NUMBER")
      ->required();
  command.add_option("--leader", flags.leader, "HOST:PORT of the leader")->required();
}

StatusOr<ClusterOptions> OptionsOf(const ClusterFlags& flags) {
  ClusterOptions options;
  TRIDENT_ASSIGN_OR_RETURN(const uint64_t workers,
                           NumberOf("--workers", flags.workers, 1, kWorkersMax));
  options.workers = static_cast<uint32_t>(workers);
  options.exchange_address = flags.exchange_address;
  options.peer_host = flags.peer_host;
  if (!flags.tls.certificate.empty()) options.tls = flags.tls;
  TRIDENT_ASSIGN_OR_RETURN(options.token, ReadToken(flags.token_file));
  if (flags.leader.empty()) {
    options.control_address = flags.peer_address;
    return options;
  }
  TRIDENT_ASSIGN_OR_RETURN(const uint64_t worker,
                           NumberOf("--worker", flags.worker, 0, workers - 1));
  options.worker = static_cast<uint32_t>(worker);
  if (worker > 0) {
    options.leader = flags.leader;
    return options;
  }
  options.control_address = flags.leader;
  if (flags.peer_host.empty()) return options;
  // Its name is not where it listens.
  TRIDENT_ASSIGN_OR_RETURN(HostPort listens, ParseHostPort(flags.leader));
  TRIDENT_ASSIGN_OR_RETURN(const HostPort exchange, ParseHostPort(flags.exchange_address));
  listens.host = exchange.host;
  options.control_address = listens.ToString();
  return options;
}

int RunClusterProcess(const std::string& program, const Topology& topology,
                      const ClusterProcess& process, ProcessHealth& health) {
  auto logical = topology.Build();
  if (!logical.ok()) return Refuse(program, logical.status());
  auto run = ClusterRun::Start(*logical, process.run, process.cluster);
  if (!run.ok()) return Refuse(program, run.status());
  if (!(*run)->control_address().empty()) {
    Say(program, "workers find the leader at " + (*run)->control_address());
  }
  if (!(*run)->address().empty()) Say(program, "serving on " + (*run)->address());
  int code = kExitInterrupted;
  std::string last = "interrupted: the next start goes on behind what is committed";
  std::string told;
  bool has_ended = false;  // the input, while it goes on serving
  Nanos print_at = 0;
  while (!WasSignalled()) {
    const StatusOr<bool> ended = (*run)->AwaitEndFor(kSignalLookEvery);
    if (!ended.ok()) {
      code = kExitFailed;
      health.Failed();
      last = Concat("failed: ", Message(ended.status()));
      break;
    }
    if (*ended) {
      code = kExitDone;
      last = "the input has ended and is committed by all workers";
      break;
    }
    if (!has_ended && process.cluster.keep_serving && (*run)->Ended()) {
      has_ended = true;
      Say(program,
          "the input has ended and is committed by all workers; serving until interrupted");
    }
    health.Looked(ReadyOf(**run));
    if (process.quiet || has_ended || RealClock().MonotonicNanos() < print_at) continue;
    print_at = RealClock().MonotonicNanos() + kProgressEvery;
    std::string line = ProgressOf(**run);
    if (line != told) Say(program, line);
    told = std::move(line);
  }
  if (code == kExitInterrupted && has_ended) {
    code = kExitDone;
    last = "interrupted while serving; the input has ended and is committed";
  }
  if (const uint64_t aside = (*run)->RowsAside(); aside > 0) {
    last += Concat("; ", aside, aside == 1 ? " row was" : " rows were",
                   " put aside, see the state dead-letters");
    if (code == kExitDone) code = kExitRowsAside;
  }
  std::string left_out;
  for (const std::string& what : (*run)->LeftOut()) {
    left_out += Concat(left_out.empty() ? "" : "; ", what);
  }
  health.Ends();
  EndOrForce({.program = program,
              .deadline = process.run.progress_deadline,
              .ends_in_order = code == kExitDone || code == kExitRowsAside,
              .line = last,
              .calls = [&](Nanos longer_than) { return (*run)->CallsUnderWay(longer_than); },
              .end = [&] { run->reset(); }});
  if (!left_out.empty()) Say(program, "not counted: " + left_out);
  Say(program, last);
  return code;
}

}  // namespace trident
