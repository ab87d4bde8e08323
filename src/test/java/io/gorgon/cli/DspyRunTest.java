package io.gorgon.cli;

import static io.gorgon.testkit.FakeLanguageModel.fields;
import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.Values;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestMachine;
import io.gorgon.testkit.FakeLanguageModel;
import io.gorgon.testkit.ModelAnswer;
import io.gorgon.testkit.ModelRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code dspy run} as a user runs it, in a process of its own, over a fake language model. */
@NeedsLayer(Layer.FULL_INTEGRATION)
class DspyRunTest {

  @TempDir Path directory;

  private record Ended(int code, String out, String err) {}

  private Ended run(FakeLanguageModel model, String signature, String... more)
      throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("--signature", signature));
    arguments.addAll(List.of("--model", "openai/gpt-4o-mini", "--base-url", model.url()));
    arguments.addAll(List.of("--set", "num_retries=0"));
    if (!List.of(more).contains("--key-env")) {
      arguments.addAll(List.of("--key-env", "FAKE_KEY"));
    }
    arguments.addAll(List.of(more));
    return run(arguments);
  }

  private Ended run(List<String> arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:TieredStopAtLevel=1");
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Gorgon.class.getName()));
    command.addAll(List.of("dspy", "run"));
    command.addAll(List.of("--python", TestMachine.CURRENT.python(), "--workers", "2"));
    command.addAll(List.of("--input", directory.resolve("questions.jsonl").toString()));
    command.addAll(arguments);
    Path out = directory.resolve("out");
    Path err = directory.resolve("err");
    var builder =
        new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().put("FAKE_KEY", "sk-1");
    Process process = builder.start();
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
    return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
  }

  private void questions(int count) throws IOException {
    var text = new StringBuilder();
    for (int i = 1; i <= count; i++) {
      text.append("{\"question\": \"").append(i).append("\"}\n");
    }
    Files.writeString(directory.resolve("questions.jsonl"), text.toString());
  }

  private static Map<Integer, String> read(String lines) throws IOException {
    Map<Integer, String> found = new TreeMap<>();
    for (String line : lines.lines().toList()) {
      var json = Values.mapper().readTree(line);
      String text =
          json.has("outputs")
              ? json.path("outputs").toString()
              : json.path("error").path("name").asText();
      assertThat(found.put(json.path("line").asInt(), text)).isNull();
    }
    return found;
  }

  @Test
  void aSecondRunDoesOnlyWhatIsLeft() throws Exception {
    questions(6);
    Function<ModelRequest, ModelAnswer> failing =
        asked ->
            asked.input("question").equals("3")
                ? ModelAnswer.error(500, "down")
                : ModelAnswer.text(fields("answer", asked.input("question") + ".5"));
    Path output = directory.resolve("answers.jsonl");
    try (FakeLanguageModel model = FakeLanguageModel.start(failing)) {
      Ended first = run(model, "question -> answer: float", "--output", output.toString());

      assertThat(first.code()).as(first.err()).isEqualTo(7);
      assertThat(first.err()).contains("1 of 6 lines failed");
      assertThat(first.out()).isEmpty();
      Map<Integer, String> answers = read(Files.readString(output));
      assertThat(answers).hasSize(6).containsEntry(3, "LanguageModelFailed.SERVER_ERROR");
      assertThat(answers).containsEntry(1, "{\"answer\":1.5}");
    }
    // As a crash leaves it.
    Files.writeString(output, Files.readString(output) + "{\"line\": 9, \"outp");
    try (FakeLanguageModel model = FakeLanguageModel.saying(fields("answer", "33"))) {
      Ended second = run(model, "question -> answer: float", "--output", output.toString());

      assertThat(second.code()).as(second.err()).isZero();
      assertThat(second.err()).contains("5 of 6 lines were answered before");
      assertThat(model.asked()).hasSize(1);
      assertThat(read(Files.readString(output)))
          .hasSize(6)
          .containsEntry(1, "{\"answer\":1.5}")
          .containsEntry(3, "{\"answer\":33.0}");
      Ended third = run(model, "question -> answer: float", "--output", output.toString());
      assertThat(third.code()).isZero();
      assertThat(model.asked()).hasSize(1);
    }
  }

  @Test
  void whatIsWrongWithEveryLineEndsItAtOnceWithItsExitCode() throws Exception {
    questions(3);
    try (FakeLanguageModel model =
        FakeLanguageModel.start(any -> ModelAnswer.error(401, "who are you"))) {
      Ended signature = run(model, "question -> answer: flaot");
      assertThat(signature.code()).isEqualTo(2);
      assertThat(signature.err())
          .contains("gorgon: SignatureRefused: signature at character 21")
          .contains("did you mean 'float'?");
      Ended key = run(model, "question -> answer", "--key-env", "NO_SUCH_KEY");
      assertThat(key.code()).isEqualTo(2);
      assertThat(key.err()).contains("NO_SUCH_KEY");
      Ended refused = run(model, "question -> answer");
      assertThat(refused.code()).isEqualTo(1);
      assertThat(refused.err()).contains("LanguageModelFailed").contains("who are you");
    }
  }

  @Test
  void theModelOfThePoolIsUsedWhereNoneIsNamed() throws Exception {
    questions(2);
    try (FakeLanguageModel model = FakeLanguageModel.saying(fields("answer", "4"))) {
      Path config = directory.resolve("model.conf");
      Files.writeString(
          config,
          "gorgon.pools.default.language-model { model = openai/of-the-pool, retries = 0, key-env ="
              + " FAKE_KEY, base-url = \""
              + model.url()
              + "\" }");
      List<String> usual = List.of("--signature", "question -> answer");
      List<String> configured = new ArrayList<>(usual);
      configured.addAll(List.of("--config", config.toString()));

      Ended ended = run(configured);
      assertThat(ended.code()).as(ended.err()).isZero();
      assertThat(read(ended.out())).hasSize(2);
      assertThat(model.asked())
          .allMatch(asked -> asked.body().path("model").asText().equals("of-the-pool"))
          .allMatch(asked -> asked.authorization().equals("Bearer sk-1"));

      Ended none = run(usual);
      assertThat(none.code()).as(none.err()).isEqualTo(2);
      assertThat(none.err()).contains("no language model was configured", "--model");

      List<String> half = new ArrayList<>(usual);
      half.addAll(List.of("--base-url", model.url()));
      Ended wrong = run(half);
      assertThat(wrong.code()).isEqualTo(2);
      assertThat(wrong.err()).contains("need --model");
    }
  }

  @Test
  void withoutDspyItSaysWhatToInstall() throws Exception {
    questions(1);
    try (FakeLanguageModel model = FakeLanguageModel.saying("")) {
      Path config = directory.resolve("isolated.conf");
      Files.writeString(config, "gorgon.pools.default.path = [\"" + withoutDspy() + "\"]");
      Ended ended = run(model, "question -> answer", "--config", config.toString());

      assertThat(ended.code()).as(ended.err()).isEqualTo(6);
      assertThat(ended.err()).contains("pip install dspy");
    }
  }

  /** A directory with a module that stands for DSPy's absence. */
  private Path withoutDspy() throws IOException {
    Path modules = Files.createDirectory(directory.resolve("modules"));
    Files.writeString(
        modules.resolve("dspy.py"), "raise ModuleNotFoundError('no dspy', name='dspy')\n");
    return modules;
  }

  @Test
  void withoutAnOutputFileAnswersGoToStandardOutput() throws Exception {
    Files.writeString(
        directory.resolve("questions.jsonl"), "{\"question\": \"a\"}\n\n[1]\nnonsense\n{}\n");
    try (FakeLanguageModel model =
        FakeLanguageModel.saying(fields("reasoning", "so", "answer", "well"))) {
      Ended ended = run(model, "question -> answer", "--kind", "chain_of_thought");

      assertThat(ended.code()).as(ended.err()).isEqualTo(7);
      assertThat(read(ended.out()))
          .containsEntry(1, "{\"reasoning\":\"so\",\"answer\":\"well\"}")
          .containsEntry(3, "InvalidInput")
          .containsEntry(4, "InvalidInput")
          .containsEntry(5, "InputsRefused");
    }
  }
}
