// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/dead_letter_commands.h"

#include <cstdint>
#include <map>
#include <utility>

#include "base/utf8.h"
#include "coordinator/cli/directory_commands.h"
#include "coordinator/cli/json.h"
#include "coordinator/cli/letter_reading.h"

namespace trident {
namespace {

// How much of a long text is shown.
constexpr size_t kShownBytes = 1000;

// A row of megabytes is none to read on a terminal.
std::string Shown(const LetterArgs& args, const std::string& text) {
  if (args.shown == LetterArgs::Shown::kWhole || text.size() <= kShownBytes) return text;
  const size_t begin = ValidUtf8Prefix(std::string_view(text).substr(0, kShownBytes));
  return Concat(text.substr(0, begin), "... (cut; ", text.size(), " bytes, --whole shows them)");
}

ExitCode ForEach(Client* client, const LetterArgs& args, Console& console, const OnLetter& take) {
  const Status read = ForEachLetter(client, args, take);
  return client == nullptr ? ReportDirectory(console, read) : Report(console, read);
}

void Print(Console& console, const LetterArgs& args, const Letter& letter) {
  const auto number = [](int64_t n) { return JsonNumber(static_cast<uint64_t>(n)); };
  if (console.json()) {
    console.out << JsonObject()
                       .Add("stream", JsonText(letter.stream))
                       .Add("txid", number(letter.txid))
                       .Add("row", number(letter.number))
                       .Add("content", JsonText(Shown(args, letter.row)))
                       .Add("error", JsonText(Shown(args, letter.error)))
                       .Done()
                << '\n';
    return;
  }
  console.out << OneLine(letter.stream) << ' ' << letter.txid << ' ' << letter.number << '\n'
              << "  row    " << OneLine(Shown(args, letter.row)) << '\n'
              << "  error  " << OneLine(Shown(args, letter.error)) << '\n';
}

}  // namespace

ExitCode ListLetters(Client* client, const LetterArgs& args, Console& console) {
  struct Of {
    uint64_t letters = 0;
    int64_t first = 0;
    int64_t last = 0;
  };
  std::map<std::string, Of> streams;
  const ExitCode code = ForEach(client, args, console, [&](const Letter& letter) {
    Of& of = streams[letter.stream];
    if (of.letters++ == 0) of.first = letter.txid;
    of.last = letter.txid;
  });
  if (code != ExitCode::kOk) return code;
  std::vector<std::vector<std::string>> table = {{"STREAM", "LETTERS", "TXIDS"}};
  for (const auto& [stream, of] : streams) {
    if (console.json()) {
      console.out << JsonObject()
                         .Add("stream", JsonText(stream))
                         .Add("letters", JsonNumber(of.letters))
                         .Add("first_txid", JsonNumber(static_cast<uint64_t>(of.first)))
                         .Add("last_txid", JsonNumber(static_cast<uint64_t>(of.last)))
                         .Done()
                  << '\n';
    }
    table.push_back(
        {OneLine(stream), std::to_string(of.letters),
         of.first == of.last ? std::to_string(of.first) : Concat(of.first, " to ", of.last)});
  }
  if (!console.json()) console.out << TableText(table);
  return ExitCode::kOk;
}

ExitCode ShowLetters(Client* client, const LetterArgs& args, Console& console) {
  const auto wanted = WantedLetters(args);
  if (!wanted.ok()) return Report(console, wanted.status());
  uint64_t shown = 0;
  const ExitCode code = ForEach(client, args, console, [&](const Letter& letter) {
    if (!(*wanted)(letter)) return;
    ++shown;
    Print(console, args, letter);
  });
  if (code != ExitCode::kOk || shown > 0 || args.key.empty()) return code;
  return Report(console, NoSuchLetter());
}

}  // namespace trident
