package io.gorgon.cli;

import io.gorgon.dspy.ProgramFailure;
import io.gorgon.message.PythonException;
import io.gorgon.message.PythonFailure;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * The command line. Results go to standard output, everything else to standard error; {@link
 * ExitCode} tells what the exit code means.
 */
@Command(
    name = "gorgon",
    version = "gorgon 0.1.0",
    mixinStandardHelpOptions = true,
    description = "Runs Python functions on a pool of supervised workers.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      DemoCommand.class,
      CallCommand.class,
      MapCommand.class,
      DspyCommand.class,
      NodeCommand.class,
      DoctorCommand.class,
      BenchCommand.class,
      HelpCommand.class
    })
public final class Gorgon {

  private static final String LOG_SETTING = "logback.configurationFile";

  private Gorgon() {}

  /** Runs a command and exits with its code. */
  public static void main(String[] arguments) {
    if (System.getProperty(LOG_SETTING) == null) {
      // Named, not found by name: an embedder's own configuration must not be in question.
      boolean service = arguments.length > 0 && arguments[0].equals("node");
      System.setProperty(
          LOG_SETTING, "io/gorgon/cli/" + (service ? "logback-node.xml" : "logback.xml"));
    }
    // The backend starts before Pekko's threads log, or what they say first is replayed with a
    // warning.
    LoggerFactory.getILoggerFactory();
    System.exit(commandLine().execute(arguments));
  }

  /** The parser with every command, for tests and for generating documentation. */
  static CommandLine commandLine() {
    var line = new CommandLine(new Gorgon());
    line.setExecutionExceptionHandler(Gorgon::onFailure);
    line.setParameterExceptionHandler(Gorgon::onMistake);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.getCommandSpec().usageMessage().footer(ExitCode.table());
    addFooter(line);
    return line;
  }

  private static void addFooter(CommandLine line) {
    for (CommandLine command : line.getSubcommands().values()) {
      command.getCommandSpec().usageMessage().footer(ExitCode.table());
      addFooter(command);
    }
  }

  private static int onFailure(Exception failure, CommandLine command, ParseResult parsed)
      throws Exception {
    if (failure instanceof PythonFailure typed) {
      print(typed, command.getErr());
      return ExitCode.of(typed).number();
    }
    if (failure instanceof ProgramFailure ours) {
      command
          .getErr()
          .println("gorgon: " + ours.getClass().getSimpleName() + ": " + ours.getMessage());
      return ExitCode.of(ours).number();
    }
    if (failure instanceof IOException || failure instanceof UncheckedIOException) {
      command.getErr().println("gorgon: " + failure);
      return ExitCode.FAILED.number();
    }
    command.getErr().println("gorgon: failed in a way that it should not; please report this:");
    throw failure;
  }

  /** What is wrong, and where the right way stands: not a page of it. */
  private static int onMistake(ParameterException mistake, String[] arguments) {
    CommandLine command = mistake.getCommandLine();
    command.getErr().println("gorgon: " + mistake.getMessage());
    command.getErr().println("try: " + command.getCommandSpec().qualifiedName() + " --help");
    command.getErr().flush();
    return ExitCode.USAGE.number();
  }

  /** One line that names the failure; Python's traceback below where there is one. */
  static void print(PythonFailure failure, PrintWriter err) {
    err.println("gorgon: " + failure.name() + ": " + failure.getMessage());
    PythonException raised = exceptionOf(failure);
    if (raised != null && !raised.traceback().isEmpty()) {
      err.println(raised.traceback().stripTrailing());
    }
    err.flush();
  }

  private static @Nullable PythonException exceptionOf(PythonFailure failure) {
    if (failure instanceof PythonFailure.PythonRaised raised) {
      return raised.exception();
    }
    return failure instanceof PythonFailure.UnknownTarget unknown ? unknown.exception() : null;
  }
}
