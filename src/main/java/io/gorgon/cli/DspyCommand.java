package io.gorgon.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What is done with DSPy programs. */
@Command(
    name = "dspy",
    mixinStandardHelpOptions = true,
    description = "Runs DSPy programs; Python needs the package dspy.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {DspyRunCommand.class, HelpCommand.class})
@SuppressWarnings("NullAway.Init")
final class DspyCommand implements Callable<Integer> {

  @Spec CommandSpec spec;

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "a command is missing: dspy run");
  }
}
