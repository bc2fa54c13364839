// SPDX-License-Identifier: Apache-2.0
//
// Counts the words of text files, exactly once, and answers questions about the counts meanwhile.
//
//   wordcount run --input FILE [--follow] --state DIR [--address 127.0.0.1:7411]
//   zcat FILE | wordcount run --input -   what is not committed when the process ends is lost
//   trident drpc words "the cat"          the counts of these words, and their sum
//   trident state get counts the
#include "trident/run/program.h"
#include "trident/spouts/text_file_spout.h"
#include "trident/topology.h"

namespace {

using trident::Emit;
using trident::Field;
using trident::Text;

constexpr Field<Text> kWord{"word"};
constexpr Field<int64_t> kCount{"count"};
constexpr Field<int64_t> kSum{"sum"};

// The words of a line: runs of characters between white space.
struct Split {
  void operator()(Text line, Emit<Text>& emit) const {
    const char* at = line.data();
    const char* end = at + line.size();
    while (at < end) {
      while (at < end && IsSpace(*at)) ++at;
      const char* word = at;
      while (at < end && !IsSpace(*at)) ++at;
      if (at > word) emit(Text(word, static_cast<size_t>(at - word)));
    }
  }
  static bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
};

// The value of an option that has two; `standard` if it was not given.
trident::StatusOr<bool> Chosen(const trident::ProgramArgs& args, const std::string& name,
                               const std::string& standard, const std::string& other) {
  const std::string given = args.Has(name) ? args.Text(name) : standard;
  if (given == standard || given == other) return given == other;
  return trident::InvalidArgument("--", name, " is ", standard, " or ", other, ", got '", given,
                                  "'");
}

trident::Status ReadChoices(const trident::ProgramArgs& args, trident::TextFileOptions& files) {
  TRIDENT_ASSIGN_OR_RETURN(const bool next, Chosen(args, "replaced", "stop", "next"));
  if (next) files.replaced = trident::Replaced::kNext;
  TRIDENT_ASSIGN_OR_RETURN(const bool yes, Chosen(args, "last-line", "no", "yes"));
  if (yes) files.last_line = trident::LastLine::kYes;
  TRIDENT_ASSIGN_OR_RETURN(const bool skip, Chosen(args, "long-line", "fail", "skip"));
  if (skip) files.rules.long_line = trident::LongLine::kSkip;
  if (!args.Has("patience")) return absl::OkStatus();
  TRIDENT_ASSIGN_OR_RETURN(const uint64_t seconds, args.Number("patience", 0, 1'000'000));
  files.patience_nanos = static_cast<int64_t>(seconds) * 1'000'000'000;
  return absl::OkStatus();
}

// A pipe is a stream of its own, because it cannot be read again as files can.
trident::StatusOr<std::shared_ptr<trident::Spout>> LinesOf(const trident::ProgramArgs& args,
                                                           const trident::TextFileOptions& files) {
  for (const std::string& path : files.paths) {
    if (!trident::TextPipeSpout::Reads(path)) continue;
    if (files.paths.size() > 1) {
      return trident::InvalidArgument(
          "'", path, "' is a pipe and must be the only --input: the files could be read again ",
          "by the next run, the pipe could not; in a program of yours merge two streams");
    }
    const bool is_given = args.Has("last-line");
    return trident::TextPipeSpout::Make(
        {.path = path,
         .follow = files.follow,
         .last_line = is_given ? files.last_line : trident::LastLine::kYes,
         .rules = files.rules});
  }
  return trident::TextFileSpout::Make(files);
}

trident::StatusOr<trident::Topology> WordCount(const trident::ProgramArgs& args) {
  trident::TextFileOptions files;
  files.paths = args.List("input");
  if (args.Has("follow")) files.follow = trident::Follow::kYes;
  files.rules.invalid_utf8 = trident::InvalidUtf8::kReplace;
  TRIDENT_RETURN_IF_ERROR(ReadChoices(args, files));

  trident::Topology topology("wordcount");
  auto counts = topology.NewStream("lines", LinesOf(args, files))
                    .Each(trident::kLine, Split(), kWord)
                    .Name("split")
                    .GroupBy(kWord)
                    .PersistentAggregate({.name = "counts"}, trident::Count(), kCount);

  // trident drpc words "cat dog" -> the words that were seen, with their counts.
  topology.NewDrpcStream("words")
      .Each(trident::kArgs, Split(), kWord)
      .StateQuery(counts, kWord, trident::MapGet(), kCount)
      .Project(trident::Fields(kWord, kCount));
  // trident drpc total "cat dog" -> how often they were seen together.
  topology.NewDrpcStream("total")
      .Each(trident::kArgs, Split(), kWord)
      .StateQuery(counts, kWord, trident::MapGet(), kCount)
      .Aggregate(kCount, trident::Sum(), kSum);
  return topology;
}

}  // namespace

int main(int argc, char** argv) {
  using trident::ProgramOption;
  return trident::RunProgram(
      argc, argv,
      {.name = "wordcount",
       .description = "Counts the words of text files, exactly once.",
       .options = {{.name = "input",
                    .help = "a file, a directory or a pattern such as "
                            "'logs/*.log', plain, gzip, zstd or UTF-16; may "
                            "be repeated. Or - for standard input, or a "
                            "named pipe, alone: lines that are not committed "
                            "when the process ends are lost",
                    .kind = ProgramOption::Kind::kList,
                    .need = ProgramOption::Need::kRequired},
                   {.name = "follow",
                    .help = "go on as the files grow, are rotated and "
                            "come up",
                    .kind = ProgramOption::Kind::kFlag},
                   {.name = "replaced",
                    .help = "if a file that is not followed is another one "
                            "now: stop, or read the next one"},
                   {.name = "last-line",
                    .help = "is a last line without end one? no or yes; "
                            "no, of a pipe yes"},
                   {.name = "long-line", .help = "a line over 1 MiB: fail or skip"},
                   {.name = "patience", .help = "seconds that a file may be away; 60"}},
       .build = WordCount});
}
