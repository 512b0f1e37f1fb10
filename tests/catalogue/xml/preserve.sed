s/<on_crash>destroy/<on_crash>preserve/
