package io.gorgon.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gorgon.dspy.LanguageModel;
import io.gorgon.dspy.Program;
import io.gorgon.dspy.ProgramFailure;
import io.gorgon.dspy.ProgramFailure.LanguageModelFailed;
import io.gorgon.dspy.Programs;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Values;
import io.gorgon.pool.PoolSettings;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.stream.javadsl.Source;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs a program on each line of a file, and goes on where an earlier run has ended. */
@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    description = {
      "Runs a DSPy program on each line of a file, a JSON object with the inputs, and writes a line",
      "{\"line\": N, \"outputs\": {...}} for each. Lines that a former run has answered are left out;",
      "those that failed, {\"line\": N, \"error\": {...}}, are run again."
    })
@SuppressWarnings("NullAway.Init")
final class DspyRunCommand implements Callable<Integer> {

  private static final int SHORT_SIGHT = 4;

  @Mixin PoolOptions options;

  @Mixin ModelOptions models;

  @Spec CommandSpec spec;

  /** What is made of the signature. */
  enum Kind {
    PREDICT,
    CHAIN_OF_THOUGHT
  }

  @Option(
      names = "--signature",
      paramLabel = "TEXT",
      required = true,
      description = "for example \"question -> answer: float\"")
  String signature;

  @Option(
      names = "--kind",
      paramLabel = "KIND",
      description = "predict or chain_of_thought; predict if not given")
  Kind kind = Kind.PREDICT;

  @Option(
      names = "--concurrency",
      paramLabel = "N",
      description = "requests that each worker has on their way at once; 4 if not given")
  int concurrency = SHORT_SIGHT;

  @Option(
      names = "--input",
      paramLabel = "FILE",
      required = true,
      description = "one JSON object a line")
  File input;

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description = "is gone on with if it is there; standard output if not given")
  @Nullable File output;

  @Override
  public Integer call() throws IOException {
    Inputs.check(spec.commandLine(), List.of(input));
    Optional<LanguageModel> asked = models.languageModel();
    if (asked.isEmpty() && options.settings(options.whole(), Map.of()).languageModel().isEmpty()) {
      throw new ParameterException(
          spec.commandLine(),
          "no language model was configured: give --model, or language-model in --config");
    }
    List<JsonLines.Line> lines = JsonLines.read(input.toPath());
    try (JsonLines.Answers answers = JsonLines.answers(output)) {
      List<JsonLines.Line> open =
          lines.stream().filter(line -> !answers.isDone(line.number())).toList();
      int before = lines.size() - open.size();
      if (before > 0) {
        say(before + " of " + lines.size() + " lines were answered before");
      }
      long failed = open.isEmpty() ? 0 : run(asked, open, lines.size(), before, answers.out());
      if (failed > 0) {
        say(
            failed
                + " of "
                + open.size()
                + " lines failed; each says why, and is run again next time");
      }
      return (failed == 0 ? ExitCode.OK : ExitCode.SOME_LINES).number();
    }
  }

  private void say(String text) {
    spec.commandLine().getErr().println("gorgon: " + text);
    spec.commandLine().getErr().flush();
  }

  private long run(
      Optional<LanguageModel> asked,
      List<JsonLines.Line> open,
      int total,
      int before,
      PrintStream out) {
    Map<String, Object> usual =
        Map.of(
            "preload",
            List.of("dspy"),
            "concurrency",
            concurrency,
            "timeouts",
            Map.of("start", "120s"));
    try (var running = new CommandPool(options, usual);
        ProgressLine bar = ProgressLine.show("lines", total)) {
      Runnable step = bar == null ? () -> {} : bar::step;
      var run = new LineRun(running, out, step);
      running.tellWhenInterrupted(
          () -> {
            if (bar != null) {
              bar.freeze();
            }
            long written = before + run.written();
            return ": " + written + " of " + total + " lines answered; run it again to go on";
          });
      for (int i = 0; i < before; i++) {
        step.run();
      }
      Programs usually = Programs.on(running.pool());
      Programs programs = asked.map(usually::with).orElse(usually);
      Program program =
          kind == Kind.PREDICT ? Program.predict(signature) : Program.chainOfThought(signature);
      PoolSettings pool = running.pool().settings();
      int parallel = pool.maxWorkers() * pool.worker().concurrency();
      run.write(
          Source.from(open).mapAsyncUnordered(parallel, line -> answer(programs, program, line)));
      return run.failed();
    } catch (PythonFailure.StartFailed failed) {
      if (String.valueOf(failed.getMessage()).contains("dspy")) {
        say(
            "DSPy is missing: 'pip install dspy' in the environment of the Python that --python names");
      }
      throw failed;
    }
  }

  private static CompletionStage<LineAnswer> answer(
      Programs programs, Program program, JsonLines.Line line) {
    Map<String, @Nullable Object> inputs = new LinkedHashMap<>();
    try {
      JsonNode json = CallArguments.parse(line.text());
      if (!json.isObject()) {
        return CompletableFuture.completedFuture(
            error(line, "InvalidInput", "a line is a JSON object with the inputs"));
      }
      json.properties().forEach(field -> inputs.put(field.getKey(), field.getValue()));
    } catch (JsonProcessingException wrong) {
      return CompletableFuture.completedFuture(
          error(line, "InvalidInput", "no JSON: " + CallArguments.problem(wrong)));
    }
    return LineAnswer.of(
        programs.execute(program, inputs),
        prediction -> {
          ObjectNode result = Values.mapper().createObjectNode().put("line", line.number());
          result.set("outputs", prediction.outputs());
          return result.toString();
        },
        DspyRunCommand::isAboutEveryLine,
        failure -> error(line, nameOf(failure), String.valueOf(failure.getMessage())));
  }

  private static boolean isAboutEveryLine(Throwable failure) {
    return failure instanceof PythonFailure.StartFailed
        || failure instanceof PythonFailure.UnknownTarget
        || failure instanceof ProgramFailure.NotInstalled
        || failure instanceof ProgramFailure.SignatureRefused
        || (failure instanceof LanguageModelFailed model
            && (model.kind() == LanguageModelFailed.Kind.MISCONFIGURED
                || model.kind() == LanguageModelFailed.Kind.UNAUTHORIZED));
  }

  private static String nameOf(Throwable failure) {
    if (failure instanceof LanguageModelFailed model) {
      return "LanguageModelFailed." + model.kind();
    }
    return failure instanceof PythonFailure typed
        ? typed.name()
        : failure.getClass().getSimpleName();
  }

  private static LineAnswer error(JsonLines.Line line, String name, String message) {
    ObjectNode result = Values.mapper().createObjectNode().put("line", line.number());
    result.putObject("error").put("name", name).put("message", message);
    return new LineAnswer(result.toString(), true);
  }
}
