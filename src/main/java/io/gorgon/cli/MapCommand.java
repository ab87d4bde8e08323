package io.gorgon.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gorgon.PythonPool;
import io.gorgon.cli.JsonLines.Line;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Reply;
import io.gorgon.message.Values;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.stream.javadsl.Framing;
import org.apache.pekko.stream.javadsl.FramingTruncation;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.stream.javadsl.StreamConverters;
import org.apache.pekko.util.ByteString;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs one call for each line of input and prints the results in the input's order. */
@Command(
    name = "map",
    mixinStandardHelpOptions = true,
    description = {
      "Calls a Python function for each JSON value, one a line, and prints one result a line, in order.",
      "Blank lines are left out. A line that fails becomes {\"error\": {...}} in its place; where Python",
      "cannot start or there is no such function, it ends at once."
    })
@SuppressWarnings("NullAway.Init")
final class MapCommand implements Callable<Integer> {

  private static final int IN_FLIGHT_PER_WORKER = 16;
  private static final int LONGEST_LINE = 64 * 1024 * 1024;

  @Mixin PoolOptions options;

  @Spec CommandSpec spec;

  @Option(
      names = "--spread",
      description = "an array is positional arguments and an object keywords, instead of one value")
  boolean spread;

  @Parameters(index = "0", paramLabel = "TARGET", description = "module:function")
  String target;

  @Parameters(index = "1..*", paramLabel = "FILE", description = "input; standard input if none")
  List<File> files = new ArrayList<>();

  @Override
  public Integer call() {
    Inputs.check(spec.commandLine(), files);
    Source<ByteString, ?> input = input();
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    long failed;
    try (var running = new CommandPool(options, Map.of())) {
      var lines = new AtomicLong();
      var run = new LineRun(running, out, () -> {});
      running.tellWhenInterrupted(() -> " after " + run.written() + " results");
      int parallel = running.pool().settings().maxWorkers() * IN_FLIGHT_PER_WORKER;
      run.write(
          input
              .via(
                  Framing.delimiter(
                      ByteString.fromString("\n"), LONGEST_LINE, FramingTruncation.ALLOW))
              .map(bytes -> new Line(lines.incrementAndGet(), bytes.utf8String().strip()))
              .filter(line -> !line.text().isEmpty())
              .mapAsync(parallel, line -> answer(running.pool(), line)));
      out.flush();
      failed = run.failed();
      if (failed > 0) {
        spec.commandLine()
            .getErr()
            .println(
                "gorgon: "
                    + failed
                    + " of "
                    + run.written()
                    + " lines failed; each says why in its place");
      }
    }
    return (failed == 0 ? ExitCode.OK : ExitCode.SOME_LINES).number();
  }

  private Source<ByteString, ?> input() {
    if (files.isEmpty()) {
      InputStream in = Inputs.standard(spec.commandLine());
      return StreamConverters.fromInputStream(() -> in);
    }
    return Source.from(files).flatMapConcat(MapCommand::read);
  }

  /** A file whose last line has no end must not run into the next file's first. */
  private static Source<ByteString, ?> read(File file) {
    return StreamConverters.fromInputStream(() -> new FileInputStream(file))
        .concat(Source.single(ByteString.fromString("\n")));
  }

  private CompletionStage<LineAnswer> answer(PythonPool pool, Line line) {
    Call call;
    try {
      JsonNode value = CallArguments.parse(line.text());
      call =
          spread && value.isContainerNode()
              ? CallArguments.spread(target, value)
              : Call.of(target, value);
    } catch (JsonProcessingException wrong) {
      return CompletableFuture.completedFuture(
          error("InvalidInput", "no JSON: " + CallArguments.problem(wrong), line));
    }
    return LineAnswer.of(
        pool.call(call),
        Reply::json,
        MapCommand::isAboutEveryLine,
        failure -> error(nameOf(failure), String.valueOf(failure.getMessage()), line));
  }

  private static String nameOf(Throwable failure) {
    return failure instanceof PythonFailure typed ? typed.name() : "Failure";
  }

  /** Where no line can be answered, one message and its exit code say more than all lines. */
  private static boolean isAboutEveryLine(Throwable failure) {
    return failure instanceof PythonFailure.StartFailed
        || failure instanceof PythonFailure.UnknownTarget;
  }

  private static LineAnswer error(String name, String message, Line line) {
    ObjectNode error = Values.mapper().createObjectNode();
    error.putObject("error").put("name", name).put("message", message).put("line", line.number());
    return new LineAnswer(error.toString(), true);
  }
}
