// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/dead_letter_commands.h"

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/typed_number.h"
#include "coordinator/cli/directory_commands.h"
#include "coordinator/cli/json.h"

namespace trident {
namespace {

// As the planner names the states and their key fields, and joins a row and its error.
constexpr std::string_view kLetters = "dead-letters";
constexpr size_t kKeyFields = 3;
constexpr std::string_view kBetween = " <- ";

bool HoldsLetters(std::string_view state) {
  return state == kLetters || state.starts_with("dead-letters-");
}

struct Letter {
  std::string stream;
  int64_t txid = 0;
  int64_t number = 0;
  std::string row;
  std::string error;
};
using OnLetter = std::function<void(const Letter&)>;

// The error repeats the row in other words, so the first " <- " behind a closing bracket parts
// them.
StatusOr<Letter> LetterFrom(const std::vector<Datum>& key, const Datum& value) {
  const auto* text = std::get_if<std::string>(&value.value);
  if (key.size() != kKeyFields || text == nullptr) {
    return FailedPrecondition(
        "the dead letters have a key of ", key.size(), " fields, expected ", kKeyFields,
        " (stream, txid, row): an older release wrote them; `trident state dump` shows them");
  }
  Letter letter{.stream = std::get<std::string>(key[0].value),
                .txid = std::get<int64_t>(key[1].value),
                .number = std::get<int64_t>(key[2].value),
                .row = *text,
                .error = ""};
  const std::string closed = Concat("]", kBetween);
  size_t end = text->find(closed);
  end = end == std::string::npos ? text->find(kBetween) : end + 1;
  if (end == std::string::npos) return letter;
  letter.row = text->substr(0, end);
  letter.error = text->substr(end + kBetween.size());
  return letter;
}

RemoteScan All(const std::string& state) {
  RemoteScan scan;
  scan.state = state;
  return scan;
}

Status ForEachOf(Client& client, const OnLetter& take) {
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<RemoteState> states, client.ListStates());
  for (const RemoteState& state : states) {
    if (!HoldsLetters(state.name)) continue;
    Status wrong;
    const auto row = [&](const std::vector<Datum>& key, const Datum& value) {
      const StatusOr<Letter> letter = LetterFrom(key, value);
      letter.ok() ? take(*letter) : static_cast<void>(wrong = letter.status());
    };
    TRIDENT_RETURN_IF_ERROR(client.Scan(All(state.name), row).status());
    TRIDENT_RETURN_IF_ERROR(wrong);
  }
  return {};
}

Status ForEachIn(const std::string& dir, const OnLetter& take) {
  constexpr std::string_view kAskIt = "`trident deadletters` without --from asks it";
  return ReadRows(dir, kAskIt, HoldsLetters, [&](const RestingRow& row) -> Status {
    TRIDENT_ASSIGN_OR_RETURN(const Letter letter, LetterFrom(row.key, row.value.value_or(Datum())));
    take(letter);
    return {};
  });
}

ExitCode ForEach(Client* client, const LetterArgs& args, Console& console, const OnLetter& take) {
  if (client == nullptr) return ReportDirectory(console, ForEachIn(args.dir, take));
  return Report(console, ForEachOf(*client, take));
}

// Whether a letter is one of those that were typed.
StatusOr<std::function<bool(const Letter&)>> Wanted(const std::vector<std::string>& typed) {
  if (typed.size() > kKeyFields) {
    return InvalidArgument("a dead letter is named by stream, txid and row: expected at most ",
                           kKeyFields, " values, found ", typed.size());
  }
  int64_t numbers[2] = {0, 0};
  for (size_t i = 1; i < typed.size(); ++i) {
    const StatusOr<uint64_t> number = ParseWholeNumber(typed[i], 0, INT64_MAX);
    if (!number.ok()) return Annotate(number.status(), i == 1 ? "txid" : "row");
    numbers[i - 1] = static_cast<int64_t>(*number);
  }
  return [typed, txid = numbers[0], row = numbers[1]](const Letter& letter) {
    return (typed.empty() || letter.stream == typed[0]) &&
           (typed.size() < 2 || letter.txid == txid) && (typed.size() < 3 || letter.number == row);
  };
}

void Print(Console& console, const Letter& letter) {
  const auto number = [](int64_t n) { return JsonNumber(static_cast<uint64_t>(n)); };
  if (console.json()) {
    console.out << JsonObject()
                       .Add("stream", JsonText(letter.stream))
                       .Add("txid", number(letter.txid))
                       .Add("row", number(letter.number))
                       .Add("content", JsonText(letter.row))
                       .Add("error", JsonText(letter.error))
                       .Done()
                << '\n';
    return;
  }
  console.out << OneLine(letter.stream) << ' ' << letter.txid << ' ' << letter.number << '\n'
              << "  row    " << OneLine(letter.row) << '\n'
              << "  error  " << OneLine(letter.error) << '\n';
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
  const auto wanted = Wanted(args.key);
  if (!wanted.ok()) return Report(console, wanted.status());
  uint64_t shown = 0;
  const ExitCode code = ForEach(client, args, console, [&](const Letter& letter) {
    if (!(*wanted)(letter)) return;
    ++shown;
    Print(console, letter);
  });
  if (code != ExitCode::kOk || shown > 0 || args.key.empty()) return code;
  return Report(console, NotFound("there is no such dead letter; `trident deadletters list` counts "
                                  "them, `trident deadletters show` shows all"));
}

}  // namespace trident
