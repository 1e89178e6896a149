# PowerShell completion for mcpauth. What may come next is worked out by mcpauth itself, so that names of servers, providers
# and credentials are those of the folder you are in.
Register-ArgumentCompleter -Native -CommandName mcpauth -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    # The words as they are typed: what is completed is never evaluated.
    $before = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object { $_.Extent.Text })
    & mcpauth complete @before "=$wordToComplete" 2>$null | ForEach-Object {
        $value, $help = $_ -split "`t", 2
        if (-not $help) { $help = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
    }
}
