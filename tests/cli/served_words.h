// SPDX-License-Identifier: Apache-2.0
//
// The example program at work on a few lines, which are three batches.
#ifndef TRIDENT_TESTS_CLI_SERVED_WORDS_H_
#define TRIDENT_TESTS_CLI_SERVED_WORDS_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace trident {

// Trident's own sentences. Two lines a batch: "the" is counted 3, 4, 4 times after each.
inline constexpr char kSentences[] =
    "the cow jumped over the moon\n"
    "the man went to store\n"
    "\n"
    "four score the years\n"
    "how many apples\n";

void WriteText(const std::string& path, const std::string& text);
std::string ReadText(const std::string& path);

class ServedWords {
 public:
  // Returns when all of the input is committed.
  ServedWords();

  // Asks it with `trident`.
  Ended Ask(std::vector<std::string> arguments) const;
  const std::string& address() const { return address_; }
  std::string input() const { return dir_.path() + "/words.txt"; }
  std::string state() const { return dir_.path() + "/state"; }
  const std::string& dir() const { return dir_.path(); }
  // Starts it again on its directory after End.
  void Start();
  int End(int signal);

 private:
  TempDir dir_;
  std::unique_ptr<Background> program_;
  std::string address_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_CLI_SERVED_WORDS_H_
