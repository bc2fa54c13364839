// SPDX-License-Identifier: Apache-2.0
//
// The commands, one function each: what was typed comes in, answers are printed, the exit code
// comes out. How it was typed is in cli.cc.
#ifndef TRIDENT_COORDINATOR_CLI_COMMANDS_H_
#define TRIDENT_COORDINATOR_CLI_COMMANDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/cli/client.h"
#include "coordinator/cli/console.h"

namespace trident {

// What someone typed behind `trident state ...`.
struct StateArgs {
  std::string state;
  std::vector<std::string> key;     // one text a field; \N is null
  std::vector<std::string> prefix;  // of the key's first fields, as are the next two
  std::vector<std::string> from;
  std::vector<std::string> to;
  RemoteCut at;
  uint64_t limit = 0;  // rows or changes; 0: no limit
  uint64_t from_txid = 0;
};

ExitCode StateList(Client& client, Console& console);
ExitCode StateGet(Client& client, const StateArgs& args, Console& console);
ExitCode StateScan(Client& client, const StateArgs& args, Console& console);
ExitCode StateWatch(Client& client, const StateArgs& args, Console& console);

ExitCode CallDrpc(Client& client, const std::string& function, const std::string& args,
                  Console& console);
ExitCode ListDrpc(Client& client, Console& console);

ExitCode ShowBatches(Client& client, Console& console);
ExitCode ShowWorkers(Client& client, Console& console);
ExitCode ShowPlan(Client& client, ExplainFormat format, Console& console);
ExitCode ShowMetrics(Client& client, Console& console);
ExitCode ShowVersion(Client& client, Console& console);
ExitCode Pause(Client& client, Console& console);
ExitCode Resume(Client& client, Console& console);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_COMMANDS_H_
