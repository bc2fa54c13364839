// SPDX-License-Identifier: Apache-2.0
//
// letter_topology: a program of words whose function refuses those that begin with "bad", as long
// as a file is not there that says the function was mended. It refuses in the spout's own stage, or
// behind an exchange.
#include <filesystem>
#include <stdexcept>
#include <string>

#include "trident/run/program.h"
#include "trident/spouts/text_file_spout.h"

namespace trident {
namespace {

constexpr Field<Text> kTaken{"taken"};
constexpr Field<int64_t> kCount{"count"};

StatusOr<Topology> Build(const ProgramArgs& args) {
  const auto take = [mended = args.Text("mended")](Text word) -> Text {
    if (word.starts_with("bad") && !std::filesystem::exists(mended)) {
      throw std::runtime_error("it is bad");
    }
    return word;
  };
  TextFileOptions files;
  files.paths = args.List("input");
  Topology topology("letters");
  auto lines = topology.NewStream("lines", TextFileSpout::Make(files));
  if (args.Has("behind")) lines = lines.PartitionBy(kLine);
  lines.Each(kLine, take, kTaken)
      .Name("take")
      .GroupBy(kTaken)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
  return topology;
}

}  // namespace
}  // namespace trident

int main(int argc, char** argv) {
  using Kind = trident::ProgramOption::Kind;
  return trident::RunProgram(
      argc, argv,
      {.name = "letter_topology",
       .options = {{.name = "input", .help = "a file of words", .kind = Kind::kList},
                   {.name = "mended", .help = "a file; once it is there, no word is bad"},
                   {.name = "behind", .help = "behind an exchange", .kind = Kind::kFlag}},
       .build = trident::Build});
}
