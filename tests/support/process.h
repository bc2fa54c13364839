// SPDX-License-Identifier: Apache-2.0
//
// The real programs of the build, run as a user runs them.
#ifndef TRIDENT_TESTS_SUPPORT_PROCESS_H_
#define TRIDENT_TESTS_SUPPORT_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace trident {

// What came of a program: both outputs whole, and its exit code (128 + the signal's number if one
// ended it).
struct Ended {
  int code = -1;
  std::string out;
  std::string err;
};

enum class Rights : uint8_t {
  kOwn,
  kNoOverride,  // permissions of files count, also for root
};

// What a program runs in.
struct Surroundings {
  Rights rights = Rights::kOwn;
  std::vector<std::string> environment = {};  // NAME=value, added to the test's own
  std::string network = {};                   // file of a network namespace; "": the test's own
};

// Runs `words`, the first being a path in the build directory, and waits for its end.
Ended RunProgramToEnd(const std::vector<std::string>& words, const Surroundings& around = {});

// `trident` with these arguments.
Ended RunTrident(const std::vector<std::string>& arguments, Rights rights = Rights::kOwn);

// A program that goes on beside the test; killed with it.
class Background {
 public:
  explicit Background(const std::vector<std::string>& words);
  // Appends what it says to stderr to a file; AwaitLine hears nothing of it.
  Background(const std::vector<std::string>& words, const std::string& says_to,
             const Surroundings& around = {});
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Reads what it says to stderr until `text` comes; "" if it ends before. Returns the line.
  std::string AwaitLine(const std::string& text);
  // Sends the signal and waits for the end; the exit code as in Ended.
  int End(int signal);
  // Waits for its end; nullopt: it goes on after that time.
  std::optional<int> EndsWithin(int milliseconds);
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int err_ = -1;
  std::string said_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_SUPPORT_PROCESS_H_
