// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/letter_reading.h"

#include <vector>

#include "base/typed_number.h"
#include "coordinator/cli/directory_commands.h"
#include "state/disk/state_spec.h"

namespace trident {
namespace {

// As the planner names the key fields, and joins a row and its error.
constexpr size_t kKeyFields = 3;
constexpr std::string_view kBetween = " <- ";

constexpr std::string_view kWhileItRuns = "`trident deadletters` without --from asks it";

bool HoldsLetters(std::string_view state) {
  return IsDeadLetterName(state) && !state.starts_with(kDeadLetterRowsName);
}

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
    const auto row = [&](const std::vector<Datum>& key, const StatusOr<Datum>& value) {
      const StatusOr<Letter> letter = value.ok() ? LetterFrom(key, *value) : value.status();
      letter.ok() ? take(*letter) : static_cast<void>(wrong = letter.status());
    };
    TRIDENT_RETURN_IF_ERROR(client.Scan(All(state.name), row).status());
    TRIDENT_RETURN_IF_ERROR(wrong);
  }
  return {};
}

Status ForEachIn(const std::string& dir, const OnLetter& take) {
  return ReadRows(dir, kWhileItRuns, HoldsLetters, [&](const RestingRow& row) -> Status {
    TRIDENT_ASSIGN_OR_RETURN(const Letter letter, LetterFrom(row.key, row.value.value_or(Datum())));
    take(letter);
    return {};
  });
}

}  // namespace

Status ForEachLetter(Client* client, const LetterArgs& args, const OnLetter& take) {
  return client == nullptr ? ForEachIn(args.dir, take) : ForEachOf(*client, take);
}

StatusOr<std::function<bool(const Letter&)>> WantedLetters(const LetterArgs& args) {
  const std::vector<std::string>& typed = args.key;
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
  const std::string step = args.step.empty() ? "" : Concat("step \"", args.step, "\"");
  return [typed, step, txid = numbers[0], row = numbers[1]](const Letter& letter) {
    return (typed.empty() || letter.stream == typed[0]) &&
           (typed.size() < 2 || letter.txid == txid) &&
           (typed.size() < 3 || letter.number == row) &&
           (step.empty() || letter.error.find(step) != std::string::npos);
  };
}

Status NoSuchLetter() {
  return NotFound(
      "there is no such dead letter; `trident deadletters list` counts them, `trident "
      "deadletters show` shows all");
}

}  // namespace trident
