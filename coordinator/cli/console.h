// SPDX-License-Identifier: Apache-2.0
//
// What a command prints and how it ends.
#ifndef TRIDENT_COORDINATOR_CLI_CONSOLE_H_
#define TRIDENT_COORDINATOR_CLI_CONSOLE_H_

#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/types.h"

namespace trident {

// The numbers are a promise to scripts.
enum class ExitCode : int {
  kOk = 0,
  kNotFound = 1,     // no such key, state, function or directory
  kUsage = 2,        // a command line, or a key, that cannot be
  kUnreachable = 3,  // no topology answers
  kFailed = 4,       // it answered, and refused or failed
  kDamaged = 5,      // data that is not what was written
};

enum class OutputFormat { kText, kJson };

// Answers go to `out`, everything said about them (at which txid, how to go on) to `err`.
struct Console {
  std::ostream& out;
  std::ostream& err;
  OutputFormat format = OutputFormat::kText;

  bool json() const { return format == OutputFormat::kJson; }
};

// Prints "trident: <message>" and returns the exit code of `status`; for ok nothing and kOk.
ExitCode Report(Console& console, const Status& status);

// One line for the eye: control characters are escaped as in C, so that a value can neither break
// the line nor move the cursor.
std::string OneLine(std::string_view text);
std::string OneLine(const Datum& value);
// Values with tabs between them.
std::string TabbedLine(std::span<const Datum> values);

// Columns two spaces apart, the first row being the header. Numbers are for the caller to pad.
std::string TableText(const std::vector<std::vector<std::string>>& rows);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_CONSOLE_H_
