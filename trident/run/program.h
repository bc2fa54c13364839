// SPDX-License-Identifier: Apache-2.0
//
// Program: a topology's own command line. A topology is a user's program with the engine linked in;
// this gives it the commands that every one has:
//
//   ./wordcount run --input FILE --state DIR [--address HOST:PORT] ...
//   ./wordcount lead --input FILE --state DIR --workers N [--peer-address HOST:PORT] ...
//   ./wordcount worker --input FILE --state DIR --workers N --worker K --leader HOST:PORT ...
//   ./wordcount explain --input FILE [--dot | --against DIR]
//   ./wordcount --help
//
// Exit codes, and the last line on stderr says the same in words:
//   0  done: the input has ended and is committed
//   1  failed: a batch group stopped for good, or rows of a spout that cannot go back are lost
//   2  refused: nothing was begun (usage, options, input, state directory, address)
//   3  done, and rows were put aside as dead letters
//   4  interrupted by SIGINT or SIGTERM: the next run goes on behind what is committed
//   5  ended by force: a call of the program's code did not return, or a second signal came. What
//      was committed is kept, as after a crash.
#ifndef TRIDENT_TRIDENT_RUN_PROGRAM_H_
#define TRIDENT_TRIDENT_RUN_PROGRAM_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "trident/topology.h"

namespace trident {

// An option of the user's topology, given to every command: --name VALUE.
struct ProgramOption {
  enum class Kind : uint8_t { kText, kFlag, kList };
  enum class Need : uint8_t { kOptional, kRequired };
  std::string name = {};
  std::string help = {};
  Kind kind = Kind::kText;
  Need need = Need::kOptional;
};

// The values that were given.
class ProgramArgs {
 public:
  bool Has(const std::string& name) const { return values_.contains(name); }
  // The last value, or "" if none was given.
  std::string Text(const std::string& name) const;
  std::vector<std::string> List(const std::string& name) const;
  // The last value as a whole number from `least` to `most`; an error that names the option where
  // it is none. REQUIRES: Has(name).
  StatusOr<uint64_t> Number(const std::string& name, uint64_t least, uint64_t most) const;

  void Add(const std::string& name, std::string value) {
    values_[name].push_back(std::move(value));
  }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

struct Program {
  std::string name = {};
  std::string description = {};
  std::vector<ProgramOption> options = {};
  // Makes the topology for the options that were given. An error is printed and ends the command.
  std::function<StatusOr<Topology>(const ProgramArgs& args)> build = {};
};

// Runs the command that argv names and returns the exit code. Call it from main, before any thread
// is started: it handles SIGINT and SIGTERM, to end a run in order, and ignores SIGPIPE.
int RunProgram(int argc, char** argv, const Program& program);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PROGRAM_H_
