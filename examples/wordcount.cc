// SPDX-License-Identifier: Apache-2.0
//
// Counts the words of text files, exactly once, and answers questions about the counts meanwhile.
//
//   wordcount run --input FILE [--follow] --state DIR [--address 127.0.0.1:7411]
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

trident::StatusOr<trident::Topology> WordCount(const trident::ProgramArgs& args) {
  trident::TextFileOptions files;
  files.paths = args.List("input");
  if (args.Has("follow")) files.follow = trident::Follow::kYes;
  files.rules.invalid_utf8 = trident::InvalidUtf8::kReplace;

  trident::Topology topology("wordcount");
  auto counts = topology.NewStream("lines", trident::TextFileSpout::Make(files))
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
  return trident::RunProgram(argc, argv,
                             {.name = "wordcount",
                              .description = "Counts the words of text files, exactly once.",
                              .options = {{.name = "input",
                                           .help = "a file or a directory; may be repeated",
                                           .kind = ProgramOption::Kind::kList,
                                           .need = ProgramOption::Need::kRequired},
                                          {.name = "follow",
                                           .help = "go on as the files grow",
                                           .kind = ProgramOption::Kind::kFlag}},
                              .build = WordCount});
}
