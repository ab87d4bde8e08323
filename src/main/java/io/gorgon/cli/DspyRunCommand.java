package io.gorgon.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gorgon.dspy.LanguageModel;
import io.gorgon.dspy.Prediction;
import io.gorgon.dspy.Program;
import io.gorgon.dspy.ProgramFailure;
import io.gorgon.dspy.ProgramFailure.LanguageModelFailed;
import io.gorgon.dspy.Programs;
import io.gorgon.dspy.Running;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Values;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.Done;
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

  @Option(names = "--model", required = true, description = "as LiteLLM names it: provider/model")
  String model;

  @Option(
      names = "--base-url",
      paramLabel = "URL",
      description = "where the model is, if elsewhere")
  @Nullable String baseUrl;

  @Option(
      names = "--key-env",
      paramLabel = "VARIABLE",
      description = "the environment variable with the key; the provider's usual one if not given")
  @Nullable String keyVariable;

  @Option(
      names = "--set",
      paramLabel = "OPTION=JSON",
      description = "an option of the model: temperature=0.2; may be repeated")
  Map<String, String> settings = new LinkedHashMap<>();

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

  private record Result(String json, boolean failed) {}

  @Override
  public Integer call() throws IOException {
    Inputs.check(spec.commandLine(), List.of(input));
    LanguageModel asked = languageModel();
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
      LanguageModel asked, List<JsonLines.Line> open, int total, int before, PrintStream out) {
    var failed = new AtomicLong();
    var written = new AtomicLong(before);
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
      running.tellWhenInterrupted(
          () -> {
            if (bar != null) {
              bar.freeze();
            }
            return ": " + written + " of " + total + " lines answered; run it again to go on";
          });
      for (int i = 0; bar != null && i < before; i++) {
        bar.step();
      }
      Programs programs = Programs.on(running.pool()).with(asked);
      Program program =
          kind == Kind.PREDICT ? Program.predict(signature) : Program.chainOfThought(signature);
      int parallel =
          running.pool().settings().maxWorkers() * running.pool().settings().worker().concurrency();
      await(
          running,
          Source.from(open)
              .mapAsyncUnordered(parallel, line -> answer(programs, program, line))
              .takeWhile(result -> !running.isInterrupted() && !out.checkError())
              .runForeach(
                  result -> {
                    out.println(result.json());
                    out.flush();
                    if (result.failed()) {
                      failed.incrementAndGet();
                    }
                    written.incrementAndGet();
                    if (bar != null) {
                      bar.step();
                    }
                  },
                  running.system()));
    }
    return failed.get();
  }

  private void await(CommandPool running, CompletionStage<Done> done) {
    try {
      running.await(done);
    } catch (PythonFailure.StartFailed failed) {
      if (String.valueOf(failed.getMessage()).contains("dspy")) {
        say(
            "DSPy is missing: 'pip install dspy' in the environment of the Python that --python names");
      }
      throw failed;
    }
  }

  private LanguageModel languageModel() {
    try {
      LanguageModel asked = LanguageModel.of(model);
      asked = baseUrl == null ? asked : asked.withBaseUrl(baseUrl);
      asked = keyVariable == null ? asked : asked.withKeyFromEnvironment(keyVariable);
      for (Map.Entry<String, String> each : settings.entrySet()) {
        asked = asked.with(each.getKey(), value(each.getValue()));
      }
      return asked;
    } catch (IllegalArgumentException wrong) {
      throw new ParameterException(spec.commandLine(), wrong.getMessage());
    }
  }

  /** JSON where it is some, else the text as it stands. */
  private static Object value(String text) {
    try {
      return CallArguments.parse(text);
    } catch (JsonProcessingException plain) {
      return text;
    }
  }

  private static CompletionStage<Result> answer(
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
    Running<Prediction> running = programs.execute(program, inputs);
    return running.handle(
        (prediction, failure) -> {
          if (prediction != null) {
            ObjectNode result = Values.mapper().createObjectNode().put("line", line.number());
            result.set("outputs", prediction.outputs());
            return new Result(result.toString(), false);
          }
          Throwable cause =
              failure instanceof CompletionException && failure.getCause() != null
                  ? failure.getCause()
                  : failure;
          if (isAboutEveryLine(cause)) {
            throw new CompletionException(cause);
          }
          return error(line, nameOf(cause), String.valueOf(cause.getMessage()));
        });
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

  private static Result error(JsonLines.Line line, String name, String message) {
    ObjectNode result = Values.mapper().createObjectNode().put("line", line.number());
    result.putObject("error").put("name", name).put("message", message);
    return new Result(result.toString(), true);
  }
}
