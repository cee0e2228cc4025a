# Evaluates Elixir and Erlang that Python sends, one text a line: `KIND BASE64`. The answer is `ok BASE64`, the value as
# the language's own shell shows it, or `error BASE64`. What a text binds the next one of its kind has; `reset x`
# forgets all of it. What it prints goes nowhere.
defmodule Evaluator do
  def loop(out, state) do
    case IO.gets("") do
      :eof ->
        System.halt(0)

      line ->
        [kind, data] = String.split(line)
        {answer, state} = evaluate(kind, kind != "reset" && Base.decode64!(data), state)
        {word, text} = answer
        IO.puts(out, [word, " ", Base.encode64(text)])
        loop(out, state)
    end
  end

  def fresh, do: %{elixir: [], erlang: :erl_eval.new_bindings()}

  defp evaluate("reset", _, _), do: {{"ok", ""}, fresh()}

  defp evaluate(kind, text, state) do
    {:ok, quiet} = StringIO.open("")
    leader = Process.group_leader()
    Process.group_leader(self(), quiet)

    try do
      run(kind, text, state)
    catch
      class, reason -> {{"error", Exception.format(class, reason, __STACKTRACE__)}, state}
    after
      Process.group_leader(self(), leader)
    end
  end

  defp run("elixir", text, state) do
    {value, bound} = Code.eval_string(text, state.elixir)
    {{"ok", inspect(value, limit: :infinity, printable_limit: :infinity, width: 1_000_000)}, %{state | elixir: bound}}
  end

  defp run("erlang", text, state) do
    {:ok, tokens, _} = :erl_scan.string(String.to_charlist(text))

    case :erl_parse.parse_exprs(tokens) do
      {:ok, exprs} ->
        {:value, value, bound} = :erl_eval.exprs(exprs, state.erlang)
        {{"ok", to_string(:io_lib.format("~0tp", [value]))}, %{state | erlang: bound}}

      {:error, wrong} ->
        {define(tokens, wrong), state}
    end
  end

  # Functions: they are compiled, and a file's terms are read.
  defp define(tokens, wrong) do
    forms = tokens |> split([], []) |> Enum.map(&:erl_parse.parse_form/1)

    if Enum.all?(forms, &match?({:ok, {:function, _, _, _, _}}, &1)) do
      head = [{:attribute, 1, :module, :guide_page}, {:attribute, 1, :compile, :export_all}]
      {:ok, _, _, _} = :compile.forms(head ++ Enum.map(forms, &elem(&1, 1)), [:return, :nowarn_export_all])
      {"ok", "functions"}
    else
      # Whichever reading came further is what was meant.
      {line, _, words} = Enum.max([wrong | for({:error, error} <- forms, do: error)])
      {"error", "line #{line}: #{:erl_parse.format_error(words)}"}
    end
  end

  defp split([], [], forms), do: Enum.reverse(forms)
  defp split([], rest, forms), do: Enum.reverse([Enum.reverse(rest) | forms])
  defp split([{:dot, _} = dot | rest], form, forms), do: split(rest, [], [Enum.reverse([dot | form]) | forms])
  defp split([token | rest], form, forms), do: split(rest, [token | form], forms)
end

IO.puts("ready x")
Evaluator.loop(Process.group_leader(), Evaluator.fresh())
