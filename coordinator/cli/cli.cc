// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <limits>
#include <utility>

#include "base/clock.h"
#include "base/limits.h"
#include "base/ports/listen_address.h"
#include "base/spelling.h"
#include "base/typed_number.h"
#include "coordinator/cli/backup_commands.h"
#include "coordinator/cli/change_commands.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/completion.h"
#include "coordinator/cli/console.h"
#include "coordinator/cli/dead_letter_commands.h"
#include "coordinator/cli/directory_commands.h"
#include "coordinator/cli/new_command.h"

namespace trident {
namespace {

constexpr char kFooter[] =
    "Exit codes: 0 done, 1 no such key, state, function or directory, 2 bad usage, 3 no topology\n"
    "can be reached, 4 refused or failed, 5 damaged data.";
constexpr double kTimeoutSecondsMin = 0.001;
constexpr double kTimeoutSecondsMax = 86'400;

// All that can be typed. Whichever command was named sets one of the two actions.
struct CommandLine {
  std::string address = kDefaultAddress;
  std::string output = "text";
  double timeout_s = 10;
  TlsFiles tls;
  StateArgs state;
  LetterArgs letters;
  std::string function;
  std::string args;
  bool dot = false;
  std::string shell;
  std::string dir;
  Consent consent = Consent::kNone;
  std::string backup;
  std::string to;
  uint64_t partitions = 0;
  SourceArgs source;
  NewArgs project;

  std::function<ExitCode(Client&, Console&)> ask;  // a topology
  std::function<ExitCode(Console&)> alone;         // nobody
};

// CLI11 takes an argument in brackets for a list of arguments. No argument of a process can hold a
// zero byte; with one at its end it is taken as it is.
std::string Guarded(std::string word) {
  if (!word.empty() && word.front() == '[' && word.back() == ']') word.push_back('\0');
  return word;
}
void Unguard(std::string& word) {
  if (!word.empty() && word.back() == '\0') word.pop_back();
}
void Unguard(CommandLine& line) {
  StateArgs& state = line.state;
  for (std::string* word :
       {&line.address,     &line.output,       &line.tls.peer_ca,   &line.tls.certificate,
        &line.tls.key,     &state.state,       &line.function,      &line.args,
        &line.shell,       &line.dir,          &line.backup,        &line.to,
        &line.letters.dir, &line.letters.step, &line.project.name,  &line.project.from,
        &line.project.dir, &line.source.dir,   &line.source.stream, &line.source.position}) {
    Unguard(*word);
  }
  if (line.source.partition) Unguard(*line.source.partition);
  for (std::vector<std::string>* words :
       {&state.key, &state.prefix, &state.from, &state.to, &line.letters.key}) {
    for (std::string& word : *words) Unguard(word);
  }
}

void AddState(CLI::App& command, CommandLine& line) {
  command.add_option("state", line.state.state, "name of the state")->required();
}
void AddKey(CLI::App& command, CommandLine& line) {
  command.add_option("key", line.state.key, "one value for each field of the key; \\N is null");
}
// `to` is a uint64_t, or an optional one. CLI11's own numbers take "-1" and read "010" as eight.
struct Bounds {
  uint64_t least = 0;
  uint64_t most = std::numeric_limits<uint64_t>::max();
};
template <class To>
CLI::Option* AddNumber(CLI::App& command, const std::string& name, Bounds bounds, To& to,
                       const std::string& help) {
  return command
      .add_option_function<std::string>(
          name,
          [name, bounds, &to](const std::string& text) {
            const StatusOr<uint64_t> number = ParseWholeNumber(text, bounds.least, bounds.most);
            if (!number.ok()) {
              throw CLI::ValidationError(name, std::string(Message(number.status())));
            }
            to = *number;
          },
          help)
      ->type_name("NUMBER");
}
void AddCut(CLI::App& command, CommandLine& line) {
  auto* at =
      AddNumber(command, "--at", {.least = 0}, line.state.at.exactly, "read at exactly this txid");
  AddNumber(command, "--at-least", {.least = 0}, line.state.at.at_least,
            "wait until this txid is committed")
      ->excludes(at);
}
// An option that is repeated once for each field.
CLI::Option* AddFields(CLI::App& command, const std::string& name, std::vector<std::string>& fields,
                       const std::string& help) {
  return command.add_option(name, fields, help + "; repeat for each field of the key")
      ->allow_extra_args(false);
}

void AddStateGet(CLI::App& state, CommandLine& line) {
  CLI::App* get = state.add_subcommand("get", "the value of a key");
  AddState(*get, line);
  AddKey(*get, line);
  AddCut(*get, line);
  get->callback([&line] {
    line.ask = [&line](Client& client, Console& console) {
      return StateGet(client, line.state, console);
    };
  });
}

void AddStateScan(CLI::App& state, CommandLine& line) {
  CLI::App* scan = state.add_subcommand("scan", "keys and values in key order, at one txid");
  AddState(*scan, line);
  auto* prefix = AddFields(*scan, "--prefix", line.state.prefix, "only keys that start with this");
  AddFields(*scan, "--from", line.state.from, "from this key on")->excludes(prefix);
  AddFields(*scan, "--to", line.state.to, "up to, not including, this key")->excludes(prefix);
  AddNumber(*scan, "--limit", {.least = 1}, line.state.limit, "at most so many rows");
  AddCut(*scan, line);
  scan->callback([&line] {
    line.ask = [&line](Client& client, Console& console) {
      return StateScan(client, line.state, console);
    };
  });
}

void AddStateWatch(CLI::App& state, CommandLine& line) {
  CLI::App* watch = state.add_subcommand("watch", "changes, as they are committed");
  AddState(*watch, line);
  AddKey(*watch, line);
  AddFields(*watch, "--prefix", line.state.prefix, "only keys that start with this");
  AddNumber(*watch, "--from-txid", {.least = 1}, line.state.from_txid,
            "begin with the changes of this txid");
  AddNumber(*watch, "--limit", {.least = 1}, line.state.limit, "end after so many changes");
  watch->callback([&line] {
    line.ask = [&line](Client& client, Console& console) {
      return StateWatch(client, line.state, console);
    };
  });
}

void AddDirectory(CLI::App& command, CommandLine& line) {
  command.add_option("dir", line.dir, "the state directory; no process may be running on it")
      ->required();
}

void AddStateVerify(CLI::App& state, CommandLine& line) {
  CLI::App* verify = state.add_subcommand("verify", "look for damage in a state directory at rest");
  AddDirectory(*verify, line);
  verify->callback([&line] {
    line.alone = [&line](Console& console) { return VerifyDirectory(line.dir, console); };
  });
}

void AddStateDump(CLI::App& state, CommandLine& line) {
  CLI::App* dump =
      state.add_subcommand("dump", "keys and values of a state directory at rest, in key order");
  AddDirectory(*dump, line);
  dump->add_option("state", line.state.state, "only of this state");
  dump->callback([&line] {
    line.alone = [&line](Console& console) {
      return DumpDirectory(line.dir, line.state.state, console);
    };
  });
}

void AddStateChanges(CLI::App& state, CommandLine& line) {
  CLI::App* drop = state.add_subcommand(
      "drop", "delete a state of a directory at rest, with all that it remembers");
  AddDirectory(*drop, line);
  AddState(*drop, line);
  drop->add_flag_callback(
      "--yes", [&line] { line.consent = Consent::kYes; },
      "do it; without this, only say what will go, and end with 2");
  drop->callback([&line] {
    line.alone = [&line](Console& console) {
      return DropStateIn(line.dir, line.state.state, line.consent, console);
    };
  });
  CLI::App* rename = state.add_subcommand(
      "rename", "give a state of a directory at rest the name that a topology has for it now");
  AddDirectory(*rename, line);
  AddState(*rename, line);
  rename->add_option("new", line.to, "its new name")->required();
  rename->callback([&line] {
    line.alone = [&line](Console& console) {
      return RenameStateIn(line.dir, line.state.state, line.to, console);
    };
  });
}

void AddStateRepartition(CLI::App& state, CommandLine& line) {
  CLI::App* repartition = state.add_subcommand(
      "repartition", "give a state of a directory at rest another number of partitions");
  AddDirectory(*repartition, line);
  AddState(*repartition, line);
  AddNumber(*repartition, "partitions", {.least = 1, .most = kStatePartitionsMax}, line.partitions,
            "how many it has then")
      ->required();
  repartition->callback([&line] {
    line.alone = [&line](Console& console) {
      return RepartitionStateIn(line.dir, line.state.state, line.partitions, console);
    };
  });
}

void AddStates(CLI::App& app, CommandLine& line) {
  CLI::App* state = app.add_subcommand("state", "what the topology remembers");
  state->require_subcommand(1);
  state->add_subcommand("list", "the states that there are")->callback([&line] {
    line.ask = StateList;
  });
  AddStateGet(*state, line);
  AddStateScan(*state, line);
  AddStateWatch(*state, line);
  AddStateVerify(*state, line);
  AddStateDump(*state, line);
  AddStateChanges(*state, line);
  AddStateRepartition(*state, line);
}

void AddSources(CLI::App& app, CommandLine& line) {
  CLI::App* sources =
      app.add_subcommand("sources", "where the sources of a state directory at rest stand");
  sources
      ->add_option("dir", line.source.dir, "the state directory; no process may be running on it")
      ->required();
  const auto runs = [&line](ExitCode (*command)(const SourceArgs&, Console&)) {
    return [&line, command] {
      line.alone = [&line, command](Console& console) { return command(line.source, console); };
    };
  };
  const auto add_place = [&line](CLI::App& command) {
    command.add_option("stream", line.source.stream, "name of the stream")->required();
    return command.add_option("partition", line.source.partition, "name of the source partition");
  };
  const auto add_yes = [&line](CLI::App& command) {
    command.add_flag("--yes", line.source.yes,
                     "do it; without this, only say what it will cost, and end with 2");
  };
  CLI::App* list = sources->add_subcommand("list", "the position of each source partition");
  CLI::App* forget = sources->add_subcommand(
      "forget", "take a partition for one that was never read, or a whole stream");
  add_place(*forget);
  add_yes(*forget);
  CLI::App* set = sources->add_subcommand("set", "let a partition go on from another position");
  add_place(*set)->required();
  set->add_option("position", line.source.position, "as `list` writes it, or hex:BYTES")
      ->required();
  add_yes(*set);
  list->callback(runs(ListSources));
  forget->callback(runs(ForgetSources));
  set->callback(runs(SetSource));
  sources->callback([&line, runs] {
    if (!line.alone) runs(ListSources)();
  });
}

void AddDeadLetters(CLI::App& app, CommandLine& line) {
  CLI::App* letters =
      app.add_subcommand("deadletters", "rows that could not be processed and were put aside");
  letters->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, auto command) {
    CLI::App* added = letters->add_subcommand(name, help);
    CLI::Option* from = added->add_option(
        "--from", line.letters.dir, "read this state directory, on which no process is running");
    added->callback([&line, from, command] {
      if (from->count() == 0) {
        line.ask = [&line, command](Client& client, Console& console) {
          return command(&client, line.letters, console);
        };
        return;
      }
      line.alone = [&line, command](Console& console) {
        return command(nullptr, line.letters, console);
      };
    });
    return added;
  };
  const auto add_which = [&line](CLI::App& command) {
    command.add_option("--step", line.letters.step, "only those that failed in this step");
    return command.add_option("letter", line.letters.key,
                              "only of this stream, this txid, this row");
  };
  add("list", "how many each stream has", ListLetters);
  CLI::App* show = add("show", "each with its row and its error", ShowLetters);
  add_which(*show);
  show->add_flag_callback(
      "--whole", [&line] { line.letters.shown = LetterArgs::Shown::kWhole; },
      "long rows and errors too, which are cut else");
  const auto add_change = [&](const char* name, const char* help, LetterAction action) {
    CLI::App* added = letters->add_subcommand(name, help);
    CLI::Option* which = add_which(*added);
    added
        ->add_flag_callback(
            "--all", [&line] { line.letters.which = LetterArgs::Which::kAll; }, "every one")
        ->excludes(which);
    added->callback([&line, action] {
      line.ask = [&line, action](Client& client, Console& console) {
        return ChangeLetters(client, action, line.letters, console);
      };
    });
  };
  add_change("retry", "let rows go through the running topology again", LetterAction::kRetry);
  add_change("drop", "give rows up, for good", LetterAction::kDrop);
}

void AddDrpc(CLI::App& app, CommandLine& line) {
  CLI::App* drpc = app.add_subcommand("drpc", "call a function of the topology");
  drpc->add_option("function", line.function, "its name; `trident functions` lists them")
      ->required();
  drpc->add_option("args", line.args, "its arguments, as one text");
  drpc->callback([&line] {
    line.ask = [&line](Client& client, Console& console) {
      return CallDrpc(client, line.function, line.args, console);
    };
  });
}

void AddAdmin(CLI::App& app, CommandLine& line) {
  const auto asks = [&line](ExitCode (*command)(Client&, Console&)) {
    return [&line, command] { line.ask = command; };
  };
  app.add_subcommand("functions", "the functions of the topology and their load")
      ->callback(asks(ListDrpc));
  app.add_subcommand("batches", "what each batch group is doing")->callback(asks(ShowBatches));
  app.add_subcommand("workers", "the processes of the topology, and what each has")
      ->callback(asks(ShowWorkers));
  CLI::App* explain = app.add_subcommand("explain", "the plan of the topology");
  explain->add_flag("--dot", line.dot, "as a graph, for Graphviz");
  explain->callback([&line] {
    line.ask = [&line](Client& client, Console& console) {
      return ShowPlan(client, line.dot ? ExplainFormat::kDot : ExplainFormat::kText, console);
    };
  });
  app.add_subcommand("metrics", "counters, in Prometheus' text format")
      ->callback(asks(ShowMetrics));
  app.add_subcommand("pause", "start no new batch; finish those in flight")->callback(asks(Pause));
  app.add_subcommand("resume", "end a pause")->callback(asks(Resume));
  app.add_subcommand("version", "of this command, and of the topology if one answers")
      ->callback(asks(ShowVersion));
}

void AddBackups(CLI::App& app, CommandLine& line) {
  CLI::App* backup = app.add_subcommand(
      "backup", "copy the state of a running topology, at one committed cut; batches go on");
  backup->add_option("target", line.backup, "the folder to make")->required();
  CLI::Option* from = backup->add_option(
      "--from", line.dir, "copy this state directory, on which no process is running, instead");
  backup->callback([&line, from] {
    if (from->count() > 0) {
      line.alone = [&line](Console& console) {
        return BackupDirectory(line.dir, line.backup, console);
      };
      return;
    }
    line.ask = [&line](Client& client, Console& console) {
      return BackupRunning(client, line.backup, console);
    };
  });
  CLI::App* restore =
      app.add_subcommand("restore", "make a state directory of a backup, which stays as it is");
  restore->add_option("backup", line.backup, "the folder of the backup")->required();
  restore->add_option("dir", line.dir, "the state directory to make")->required();
  restore->callback([&line] {
    line.alone = [&line](Console& console) {
      return RestoreBackup(line.backup, line.dir, console);
    };
  });
}

void AddNew(CLI::App& app, CommandLine& line) {
  CLI::App* command =
      app.add_subcommand("new", "a project to begin with, built against the installed library");
  command->add_option("name", line.project.name, "of the project, its program and its topology")
      ->required();
  std::string templates;
  for (const std::string& name : TemplateNames()) {
    templates += (templates.empty() ? "one of " : ", ") + name;
  }
  command->add_option("--template", line.project.from, templates)->capture_default_str();
  command->add_option("--dir", line.project.dir, "the folder that it is made in")
      ->capture_default_str();
  command->callback([&line] {
    line.alone = [&line](Console& console) { return NewProject(line.project, console); };
  });
}

// Where the values of an option, or of an argument, are known.
std::vector<std::string> ChoicesOf(const std::string& name) {
  if (name == "--output" || name == "-o") return {"text", "json"};
  if (name == "--template") return TemplateNames();
  if (name == "shell") return {"bash", "zsh", "fish"};
  return {};
}

void AddTo(CompletedCommand& command, const CLI::Option& option) {
  if (option.get_positional()) {
    const std::string name = option.get_name();
    for (const std::string& choice : ChoicesOf(name)) command.words.push_back(choice);
    if (name == "dir") command.files = CompletedCommand::Files::kYes;
    return;
  }
  const auto takes = option.get_items_expected_max() > 0 ? CompletedOption::Takes::kValue
                                                         : CompletedOption::Takes::kNothing;
  std::vector<std::string> names;
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : names) command.options.push_back({name, takes, ChoicesOf(name)});
}

// `app` and everything below it, as paths and what may follow.
void Walk(const CLI::App& app, const std::string& path, std::vector<CompletedCommand>& out) {
  CompletedCommand command{.path = path, .words = {}, .options = {}};
  for (const CLI::App* below : app.get_subcommands({})) command.words.push_back(below->get_name());
  for (const CLI::Option* option : app.get_options()) AddTo(command, *option);
  out.push_back(std::move(command));
  for (const CLI::App* below : app.get_subcommands({})) {
    Walk(*below, path + " " + below->get_name(), out);
  }
}

void AddCompletion(CLI::App& app, CommandLine& line) {
  CLI::App* completion = app.add_subcommand("completion", "a script that completes what you type");
  completion->add_option("shell", line.shell, "bash, zsh or fish")->required();
  completion->callback([&app, &line] {
    line.alone = [&app, &line](Console& console) {
      std::vector<CompletedCommand> commands;
      Walk(app, "trident", commands);
      const StatusOr<std::string> script = CompletionScript(line.shell, commands);
      if (script.ok()) console.out << *script;
      return Report(console, script.status());
    };
  });
}

void AddGlobal(CLI::App& app, CommandLine& line) {
  app.add_option("--address", line.address, "HOST:PORT of the topology")
      ->envname("TRIDENT_ADDRESS")
      ->capture_default_str();
  app.add_option("-o,--output", line.output, "text, or json: one object a line")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--timeout",
         [&line](const std::string& text) {
           const StatusOr<double> seconds =
               ParseNumber(text, kTimeoutSecondsMin, kTimeoutSecondsMax);
           if (!seconds.ok()) {
             throw CLI::ValidationError("--timeout", std::string(Message(seconds.status())));
           }
           line.timeout_s = *seconds;
         },
         "seconds to wait for an answer")
      ->type_name("SECONDS")
      ->default_str("10");
  auto* ca = app.add_option("--tls-ca", line.tls.peer_ca, "who signs the topology's certificate");
  auto* cert = app.add_option("--tls-cert", line.tls.certificate, "your own certificate");
  auto* key = app.add_option("--tls-key", line.tls.key, "its private key, mode 0600");
  // Round, one each: of several, CLI11 names the one that stands first in memory.
  ca->needs(cert);
  cert->needs(key);
  key->needs(ca);
}

// Options of the whole command may stand behind a subcommand too.
void FallThrough(CLI::App& app) {
  app.fallthrough();
  for (CLI::App* below : app.get_subcommands({})) FallThrough(*below);
}

// The words that were typed in the place of a command, if that is what is wrong.
std::string CommandHint(const CLI::App& app, const std::vector<std::string>& args) {
  const CLI::App* at = &app;
  for (const std::string& word : args) {
    std::vector<std::string> names;
    const CLI::App* below = nullptr;
    for (const CLI::App* candidate : at->get_subcommands({})) {
      names.push_back(candidate->get_name());
      if (candidate->get_name() == word) below = candidate;
    }
    if (names.empty()) return "";
    if (below == nullptr) {
      return word.rfind('-', 0) == 0 ? ""
                                     : Concat("there is no command '", word, "'",
                                              SpellingHint(word, "commands", names));
    }
    at = below;
  }
  return "";
}

// What is more to say about an argument that CLI11 did not know.
std::string DashHint(const CLI::ParseError& error) {
  const bool has_dash = std::string_view(error.what()).find(" -") != std::string_view::npos;
  if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::ExtrasError) || !has_dash) {
    return "";
  }
  return ". A value that begins with - stands behind --, as in: trident state get counts -- -x";
}

int Misused(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& args,
            std::ostream& out, std::ostream& err) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    return app.exit(error, out, err);  // --help
  }
  const std::string hint = CommandHint(app, args);
  err << "trident: " << OneLine(hint.empty() ? error.what() + DashHint(error) : hint)
      << "\nRun with --help for the commands and options.\n";
  return static_cast<int>(ExitCode::kUsage);
}

ExitCode Ask(const CommandLine& line, Console& console) {
  if (const auto address = ParseHostPort(line.address); !address.ok()) {
    return Report(console, address.status());
  }
  ClientOptions options{.address = line.address,
                        .timeout = static_cast<Nanos>(line.timeout_s * kSecond),
                        .tls = std::nullopt};
  if (!line.tls.key.empty()) options.tls = line.tls;
  const StatusOr<std::unique_ptr<Client>> client = Client::Create(options);
  if (!client.ok()) return Report(console, client.status());
  return line.ask(**client, console);
}

}  // namespace

int RunCli(const std::vector<std::string>& args, std::ostream& out, std::ostream& err) {
  CLI::App app("Asks a running topology, looks into a state directory at rest, begins a project.",
               "trident");
  CommandLine line;
  app.require_subcommand(1);
  app.footer(kFooter);
  AddGlobal(app, line);
  AddStates(app, line);
  AddSources(app, line);
  AddDeadLetters(app, line);
  AddDrpc(app, line);
  AddAdmin(app, line);
  AddBackups(app, line);
  AddNew(app, line);
  AddCompletion(app, line);
  FallThrough(app);
  try {
    std::vector<std::string> words;  // from the last to the first, as CLI11 takes them
    for (auto word = args.rbegin(); word != args.rend(); ++word) words.push_back(Guarded(*word));
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    return Misused(app, error, args, out, err);
  }
  Unguard(line);
  Console console{out, err, line.output == "json" ? OutputFormat::kJson : OutputFormat::kText};
  const ExitCode code = line.alone ? line.alone(console) : Ask(line, console);
  if (out.flush()) return static_cast<int>(code);
  err << "trident: the answer could not be written whole to the standard output; is its disk full, "
         "or its reader gone?\n";
  return static_cast<int>(ExitCode::kFailed);
}

}  // namespace trident
