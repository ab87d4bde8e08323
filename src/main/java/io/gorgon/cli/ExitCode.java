package io.gorgon.cli;

import io.gorgon.dspy.ProgramFailure;
import io.gorgon.dspy.ProgramFailure.LanguageModelFailed;
import io.gorgon.message.PythonFailure;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What the exit code of a command says. */
enum ExitCode {
  OK(0, "all is well"),
  FAILED(1, "a failure that none of the others names"),
  USAGE(2, "the command line or a setting is wrong"),
  RAISED(3, "Python raised, or could not run the target with these arguments"),
  WORKER_LOST(4, "the worker, or its node, died in the call"),
  DEADLINE(5, "the deadline passed"),
  START_FAILED(6, "Python could not be started"),
  SOME_LINES(7, "some lines of map or dspy run failed; each carries its error"),
  UNHEALTHY(8, "doctor found a problem, or bench missed a target"),
  INTERRUPTED(130, "Ctrl-C; 143 after TERM");

  private final int number;
  private final String meaning;

  ExitCode(int number, String meaning) {
    this.number = number;
    this.meaning = meaning;
  }

  int number() {
    return number;
  }

  static ExitCode of(PythonFailure failure) {
    if (failure instanceof PythonFailure.PythonRaised
        || failure instanceof PythonFailure.UnknownTarget
        || failure instanceof PythonFailure.BadArguments
        || failure instanceof PythonFailure.NotSerializable
        || failure instanceof PythonFailure.TooLarge) {
      return RAISED;
    }
    if (failure instanceof PythonFailure.WorkerLost
        || failure instanceof PythonFailure.NodeLost
        || failure instanceof PythonFailure.ProtocolViolation) {
      return WORKER_LOST;
    }
    if (failure instanceof PythonFailure.DeadlineExceeded) {
      return DEADLINE;
    }
    if (failure instanceof PythonFailure.StartFailed
        || failure instanceof PythonFailure.NoCapacity) {
      return START_FAILED;
    }
    return failure instanceof PythonFailure.InvalidSettings ? USAGE : FAILED;
  }

  static ExitCode of(ProgramFailure failure) {
    if (failure instanceof ProgramFailure.NotInstalled) {
      return START_FAILED;
    }
    boolean usage =
        failure instanceof ProgramFailure.SignatureRefused
            || (failure instanceof LanguageModelFailed model
                && model.kind() == LanguageModelFailed.Kind.MISCONFIGURED);
    return usage ? USAGE : FAILED;
  }

  /** One line per code, for the foot of the help. */
  static String[] table() {
    List<String> lines = new ArrayList<>(List.of("%nExit codes:"));
    for (ExitCode code : values()) {
      lines.add(String.format(Locale.ROOT, "  %3d  %s", code.number, code.meaning));
    }
    return lines.toArray(String[]::new);
  }
}
