// SPDX-License-Identifier: Apache-2.0
#include "tests/cli/served_words.h"

#include <fstream>
#include <iterator>

#include "base/check.h"

namespace trident {

void WriteText(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  TRIDENT_CHECK(out.flush().good()) << path;
}

std::string ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

ServedWords::ServedWords() {
  WriteText(input(), kSentences);
  Start();
}

void ServedWords::Start() {
  program_ = std::make_unique<Background>(std::vector<std::string>{
      "wordcount", "run", "--input", input(), "--state", state(), "--batch-rows", "2", "--sync",
      "none", "--quiet", "--keep-serving", "--address", "127.0.0.1:0"});
  const std::string line = program_->AwaitLine("serving on ");
  address_ = line.substr(line.rfind(' ') + 1);
  TRIDENT_CHECK(!program_->AwaitLine("the input has ended").empty()) << line;
}

Ended ServedWords::Ask(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"--address", address_});
  return RunTrident(arguments);
}

int ServedWords::End(int signal) { return program_->End(signal); }

}  // namespace trident
